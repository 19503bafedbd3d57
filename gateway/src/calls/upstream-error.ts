import { DAY_MS } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { ExchangeFailure } from "../lib/fetch.ts";
import { type Fields, fieldsOf, parsedObject } from "../providers/json.ts";
import { openAiError } from "../providers/openai.error.ts";

/** The caller's own mistakes, as the provider found them. */
const PASSED_STATUSES: ReadonlySet<number> = new Set([400, 404, 413, 422]);
const LONGEST_MESSAGE = 2000;

/**
 * What an upstream answer of status 300 or more means to the caller. Its 401 and 403 are about the operator's
 * credential, never about the caller's, so they are failures of the provider.
 */
export function errorOfAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): TollgateError {
  const answer = parsedObject(body.toString()) ?? {};
  const said = openAiError(answer);
  const cause = new Error(
    `the provider answered ${status}: ${said?.message.slice(0, LONGEST_MESSAGE) ?? ""}`,
  );
  if (status === 429) {
    return new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: retryAfterMs(headers) }, { cause });
  }
  if (PASSED_STATUSES.has(status)) {
    const message = said?.message.slice(0, LONGEST_MESSAGE) ?? "The AI provider refused the request.";
    return new TollgateError("PROVIDER_REJECTED", { status, message, param: paramOf(answer) }, { cause });
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

/** The provider's wish, in milliseconds; `undefined` if it has none that can be believed. */
function retryAfterMs(headers: Readonly<Record<string, string>>): number | undefined {
  const exact = Number(headers["retry-after-ms"] || Number.NaN);
  if (exact >= 0 && exact < DAY_MS) return exact;
  const ms = Number(headers["retry-after"] || Number.NaN) * 1000;
  return ms >= 0 && ms < DAY_MS ? ms : undefined;
}
