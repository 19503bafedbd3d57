import type { Clock } from "../lib/clock.ts";
import type { Outbound } from "../lib/outbound.ts";
import { hmacSha256 } from "../lib/secrets.ts";
import type { Delivery } from "./notifier.outbox.ts";
import type { Courier } from "./notifier.ts";

/** What signs webhooks: the key in force, and during a rotation the one before it as well. */
export type SigningKeys = readonly Uint8Array[];

const PREFIX = "whsec_";
const LEAST_BYTES = 24;
const MOST_BYTES = 64;

/** The text a receiver verifies with. */
export function signingSecret(key: Uint8Array): string {
  return PREFIX + Buffer.from(key).toString("base64");
}

/** The keys in `whsec_…` texts, comma-separated; undefined unless all are 24 to 64 bytes in base64. */
export function signingKeysOf(secrets: string): SigningKeys | undefined {
  const keys = secrets.split(",").map((secret) => {
    const text = secret.trim();
    const key = Buffer.from(text.slice(PREFIX.length), "base64");
    return signingSecret(key) === text && key.length >= LEAST_BYTES && key.length <= MOST_BYTES
      ? key
      : undefined;
  });
  return keys.every((key) => key !== undefined) ? keys : undefined;
}

/** A webhook's own key: no secret is stored that the database could give away. */
export function webhookKey(derivedKey: Uint8Array, webhookId: number): Uint8Array {
  return hmacSha256(derivedKey, `webhook ${webhookId}`);
}

/** The headers of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`, one signature per key. `now` in ms. */
export function webhookHeaders(
  { id, body, now }: { readonly id: string; readonly body: string; readonly now: number },
  keys: SigningKeys,
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(now / 1000);
  const signatures = keys.map((key) => hmacSha256(key, `${id}.${timestamp}.${body}`).toString("base64"));
  return {
    "content-type": "application/json",
    "user-agent": "Tollgate-Webhook",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatures.map((signature) => `v1,${signature}`).join(" "),
  };
}

/** Any answer but 2xx is a refusal. What the receiver says is not kept. */
export function webhookCourier(deps: {
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly placeOf: (delivery: Delivery) => { readonly url: string; readonly keys: SigningKeys };
}): Courier {
  const { outbound, clock, placeOf } = deps;
  return async (delivery) => {
    const { url, keys } = placeOf(delivery);
    const headers = webhookHeaders({ id: delivery.eventId, body: delivery.event, now: clock.now() }, keys);
    const status = await outbound.post(url, headers, Buffer.from(delivery.event));
    if (status < 200 || status > 299) throw new Error(`the receiver answered ${status}`);
  };
}
