import { DAY_MS } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { ExchangeFailure } from "../lib/fetch.ts";
import { type Fields, fieldsOf, objectsOf, parsedObject } from "../providers/json.ts";
import type { Fate } from "../providers/outcome.ts";
import type { ProviderError, Wire } from "../providers/wire.ts";

/** An upstream answer of status 300 or more. */
export type BadAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly wire: Wire;
};

/** What the caller is told, and what it says of the provider. */
export type Told = { readonly error: TollgateError; readonly fate: Fate };

/** The caller's own mistakes, as the provider found them. */
const PASSED_STATUSES: ReadonlySet<number> = new Set([400, 404, 413, 422]);
const LONGEST_MESSAGE = 2000;

/**
 * What a bad answer means to the caller, and says of the provider. Its 401 and 403 are about the operator's
 * credential, never about the caller's, so they are failures of the provider.
 */
export function errorOfAnswer({ status, headers, body, wire }: BadAnswer): Told {
  const answer = parsedObject(body.toString()) ?? {};
  const said = wire.whole(answer).error;
  const retryAfter = retryAfterMs(headers, answer);
  const fate: Fate = {
    kind: "status",
    status,
    ...(said?.code === undefined ? {} : { code: said.code }),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    ...shouldRetry(headers),
  };
  return { error: errorOf(status, said, answer, retryAfter), fate };
}

/** The same of an error inside an answer of status 200; 500 where it names no status. */
export function errorSaid(said: ProviderError): Told {
  const { status = 500, code } = said;
  const fate: Fate = { kind: "status", status, ...(code === undefined ? {} : { code }) };
  return { error: errorOf(status, said, {}, undefined), fate };
}

function errorOf(
  status: number,
  said: ProviderError | undefined,
  answer: Fields,
  retryAfter: number | undefined,
): TollgateError {
  const message = said?.message.slice(0, LONGEST_MESSAGE);
  const words = `the provider answered ${status}: ${message ?? ""}`;
  // Whoever waits for the provider may want to know whether waiting helps.
  const cause = Object.assign(new Error(words), { code: said?.code });
  if (status === 429) {
    return new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: retryAfter }, { cause });
  }
  if (PASSED_STATUSES.has(status)) {
    const details = {
      status,
      message: message ?? "The AI provider refused the request.",
      param: paramOf(answer),
    };
    return new TollgateError("PROVIDER_REJECTED", details, { cause });
  }
  if (status === 408 || status === 504) return new TollgateError("PROVIDER_TIMEOUT", undefined, { cause });
  return new TollgateError("PROVIDER_FAILED", undefined, { cause });
}

export function errorOfFailure({ kind, cause }: ExchangeFailure): TollgateError {
  const code = kind === "timeout" ? "PROVIDER_TIMEOUT" : "PROVIDER_FAILED";
  return new TollgateError(code, undefined, {
    cause: cause ?? new Error("the stream ended before its end marker"),
  });
}

function paramOf(answer: Fields): string | null {
  const { param } = fieldsOf(answer.error);
  return typeof param === "string" ? param.slice(0, 200) : null;
}

/** The provider's wish, in milliseconds; `undefined` if it has none that can be believed. Google says it in the body. */
function retryAfterMs(headers: Readonly<Record<string, string>>, answer: Fields): number | undefined {
  const delays = objectsOf(fieldsOf(answer.error).details).map(
    ({ retryDelay }) => seconds(retryDelay) * 1000,
  );
  const wishes = [number(headers["retry-after-ms"]), number(headers["retry-after"]) * 1000, ...delays];
  return wishes.find((ms) => ms >= 0 && ms < DAY_MS);
}

function number(text: string | undefined): number {
  return Number(text || Number.NaN);
}

/** `34.4s` */
function seconds(text: unknown): number {
  return typeof text === "string" && /^\d+(\.\d+)?s$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
}

function shouldRetry({ "x-should-retry": said }: Readonly<Record<string, string>>): {
  shouldRetry?: boolean;
} {
  return said === "true" || said === "false" ? { shouldRetry: said === "true" } : {};
}
