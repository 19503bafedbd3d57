import type { LiveEvent } from "./events.ts";

/** A webhook that was not sent by the gateway, was sent long ago, or cannot be read. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

export type WebhookRequest = {
  /** As it arrived, before any parsing. */
  readonly body: string;
  readonly headers:
    | { get(name: string): string | null }
    | Readonly<Record<string, string | string[] | undefined>>;
  /** `whsec_…`; several while one replaces the other. */
  readonly secrets: string | readonly string[];
  /** This device's time; default the present. */
  readonly now?: Date | number;
  readonly toleranceSeconds?: number;
};

const PREFIX = "whsec_";

/** The event in a webhook, once its signature and time are proven (Standard Webhooks). Throws a `WebhookError`. */
export async function verifyWebhook(request: WebhookRequest): Promise<LiveEvent & { readonly id: string }> {
  const { body, secrets, now = Date.now(), toleranceSeconds = 300 } = request;
  const id = headerOf(request, "webhook-id");
  const timestamp = headerOf(request, "webhook-timestamp");
  if (!/^\d+$/.test(timestamp)) throw new WebhookError("webhook-timestamp is not a time.");
  const ageSeconds = Math.abs(Number(now) / 1000 - Number(timestamp));
  if (ageSeconds > toleranceSeconds) throw new WebhookError("webhook-timestamp is too far from now.");
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = headerOf(request, "webhook-signature")
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"))
    .map((signature) => bytesOf(signature.slice(3)));
  for (const secret of [secrets].flat()) {
    for (const signature of signatures) if (await isSignedBy(secret, signature, signed)) return eventIn(body);
  }
  throw new WebhookError("No signature of this webhook is of any of these secrets.");
}

type Bytes = Uint8Array<ArrayBuffer>;

async function isSignedBy(secret: string, signature: Bytes, signed: Bytes): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = bytesOf(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret);
  if (bytes.length === 0) throw new WebhookError("A secret is not base64.");
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["verify"]);
  return crypto.subtle.verify("HMAC", key, signature, signed);
}

function eventIn(body: string): LiveEvent & { readonly id: string } {
  try {
    return JSON.parse(body) as LiveEvent & { readonly id: string };
  } catch (cause) {
    throw new WebhookError("The body is not JSON.", { cause });
  }
}

function headerOf({ headers }: WebhookRequest, name: string): string {
  const value =
    typeof headers.get === "function"
      ? headers.get(name)
      : Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  if (typeof value !== "string") throw new WebhookError(`There is no header ${name}.`);
  return value;
}

/** Empty if it is not base64. */
function bytesOf(base64: string): Bytes {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
