import { DAY_MS } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { ExchangeFailure } from "../lib/fetch.ts";
import { type Fields, fieldsOf, objectsOf, parsedObject } from "../providers/json.ts";
import { classOf, type Fate } from "../providers/outcome.ts";
import type { ProviderError, Wire } from "../providers/wire.ts";

/** An upstream answer of status 300 or more. */
export type BadAnswer = {
  readonly provider: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly wire: Wire;
};

/** What the caller is told, and what it says of the provider. */
export type Told = { readonly error: TollgateError; readonly fate: Fate };

type StatusFate = Extract<Fate, { kind: "status" }>;

/** The caller's own mistakes, as the provider found them. */
const PASSED_STATUSES: ReadonlySet<number> = new Set([400, 404, 413, 422]);
const LONGEST_MESSAGE = 2000;

/**
 * What a bad answer means to the caller, and says of the provider. Its 401 and 403 are about the operator's
 * credential, never about the caller's, so they are failures of the provider.
 */
export function errorOfAnswer({ provider, status, headers, body, wire }: BadAnswer): Told {
  const answer = parsedObject(body.toString()) ?? {};
  const said = wire.whole(answer).error;
  const retryAfter = saidWaitMs(headers, answer);
  const fate: StatusFate = {
    kind: "status",
    status,
    ...(said?.code === undefined ? {} : { code: said.code }),
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }),
    ...shouldRetry(headers),
  };
  return { error: errorOf(provider, fate, said, answer), fate };
}

/** The same of an error inside an answer of status 200; 500 where it names no status. */
export function errorSaid(provider: string, said: ProviderError): Told {
  const { status = 500, code } = said;
  const fate: StatusFate = { kind: "status", status, ...(code === undefined ? {} : { code }) };
  return { error: errorOf(provider, fate, said, {}), fate };
}

/** Money does not come back by itself: whatever its status, a refusal for want of it is not to be sat out. */
const UNPAID =
  "The account at the AI provider is out of credit or over its limit. Trying again does not help.";
const UNKNOWN_CREDENTIAL = "The gateway's credential at the AI provider is refused. Tell the operator.";
const WEAK_CREDENTIAL = "The AI provider does not allow this to the gateway's credential. Tell the operator.";

function errorOf(
  provider: string,
  fate: StatusFate,
  said: ProviderError | undefined,
  answer: Fields,
): TollgateError {
  const { status, retryAfterMs } = fate;
  const message = said?.message.slice(0, LONGEST_MESSAGE);
  const words = `${provider} answered ${status}: ${message ?? ""}`;
  if (classOf(fate) === "unauthorized") {
    const told = status === 401 ? UNKNOWN_CREDENTIAL : WEAK_CREDENTIAL;
    // Its words are the whole cause: no line of ours is to blame.
    return new TollgateError("PROVIDER_FAILED", undefined, { cause: words, retry: false, message: told });
  }
  const cause = new Error(words);
  const options =
    classOf(fate) === "unpaid" ? ({ cause, retry: false, message: UNPAID } as const) : { cause };
  if (status === 429) {
    return new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs }, options);
  }
  if (PASSED_STATUSES.has(status)) {
    const details = {
      status,
      message: message ?? "The AI provider refused the request.",
      param: paramOf(answer),
    };
    return new TollgateError("PROVIDER_REJECTED", details, options);
  }
  if (status === 408 || status === 504) return new TollgateError("PROVIDER_TIMEOUT", undefined, { cause });
  return new TollgateError("PROVIDER_FAILED", undefined, options);
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
function saidWaitMs(headers: Readonly<Record<string, string>>, answer: Fields): number | undefined {
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
