import { TollgateError } from "../lib/errors.ts";
import type { AttemptError } from "./end-attempt.ts";

/** What a failed attempt says about the next one. */
export type Verdict =
  /** `isFatal`: no repetition can help. */
  | { readonly kind: "failed"; readonly isFatal: boolean; readonly error: AttemptError }
  /** It was nobody's turn: the job waits without losing a retry. */
  | { readonly kind: "deferred"; readonly delayMs: number; readonly error: AttemptError }
  /** A budget did not hold it; nothing was spent (B2). */
  | { readonly kind: "blocked"; readonly error: AttemptError };

const SHORTEST_DELAY_MS = 1_000;
/** While our own database is away. */
const STORE_DELAY_MS = 5_000;

/**
 * Judges what a handler threw. Whoever says when to come again is asked again then: an open breaker, a provider's 429.
 * Refusals (4xx) are fatal; everything else may pass.
 */
export function verdictOf(thrown: unknown): Verdict {
  const error = errorOf(thrown);
  if (!(thrown instanceof TollgateError)) return { kind: "failed", isFatal: false, error };
  if (thrown.is("BUDGET_EXCEEDED")) return { kind: "blocked", error };
  if (thrown.is("STORE_UNAVAILABLE")) return { kind: "deferred", delayMs: STORE_DELAY_MS, error };
  const waitMs = waitOf(thrown);
  if (waitMs !== undefined) return { kind: "deferred", delayMs: Math.max(waitMs, SHORTEST_DELAY_MS), error };
  return { kind: "failed", isFatal: isRefusal(thrown), error };
}

function waitOf({ details }: TollgateError): number | undefined {
  if (details === undefined || !("retryAfterMs" in details)) return undefined;
  return details.retryAfterMs;
}

/** 408 and 429 are no refusals of what was asked. */
function isRefusal({ status }: TollgateError): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function errorOf(thrown: unknown): AttemptError {
  if (thrown instanceof TollgateError) return { code: thrown.code, message: thrown.message };
  return { code: "INTERNAL", message: thrown instanceof Error ? thrown.message : String(thrown) };
}
