import { TollgateError } from "../lib/errors.ts";
import type { AttemptError } from "./end-attempt.ts";

/** What a failed attempt says about the next one. */
export type Verdict =
  /** `isFatal`: no repetition can help. */
  | { readonly kind: "failed"; readonly isFatal: boolean; readonly error: AttemptError }
  /** It was nobody's turn: the job waits without losing a retry. `saidMs`: for so long at least. */
  | { readonly kind: "deferred"; readonly saidMs: number | undefined; readonly error: AttemptError }
  /** A budget did not hold it; nothing was spent (B2). */
  | { readonly kind: "blocked"; readonly error: AttemptError };

const SHORTEST_DELAY_MS = 1_000;
/** While our own database is away. */
const STORE_DELAY_MS = 5_000;

/**
 * Judges what a handler threw. Whoever says when to come again is asked again then: an open breaker, a provider's 429,
 * which may leave open when, but not one for want of money. Refusals (4xx) are fatal; everything else may pass.
 */
export function verdictOf(thrown: unknown): Verdict {
  const error = errorOf(thrown);
  if (!(thrown instanceof TollgateError)) return { kind: "failed", isFatal: false, error };
  if (thrown.is("BUDGET_EXCEEDED")) return { kind: "blocked", error };
  if (thrown.is("STORE_UNAVAILABLE")) return { kind: "deferred", saidMs: STORE_DELAY_MS, error };
  if (isUnpaid(thrown)) return { kind: "failed", isFatal: false, error };
  const waitMs = waitOf(thrown);
  const saidMs = waitMs === undefined ? undefined : Math.max(waitMs, SHORTEST_DELAY_MS);
  if (thrown.is("PROVIDER_RATE_LIMITED") || saidMs !== undefined) return { kind: "deferred", saidMs, error };
  return { kind: "failed", isFatal: isRefusal(thrown), error };
}

function waitOf({ details }: TollgateError): number | undefined {
  if (details === undefined || !("retryAfterMs" in details)) return undefined;
  return details.retryAfterMs;
}

/** What a provider says is not worth another try is so for want of money. */
function isUnpaid({ code, retry }: TollgateError): boolean {
  return code.startsWith("PROVIDER_") && retry === false;
}

/** 408 and 429 are no refusals of what was asked. */
function isRefusal({ status }: TollgateError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** What went wrong inside is for the log only. */
function errorOf(thrown: unknown): AttemptError {
  const { code, message } = thrown instanceof TollgateError ? thrown : new TollgateError("INTERNAL");
  return { code, message };
}
