import type { Outcome } from "./breaker.ts";

/** How a call to a provider ended, as far as the provider is to blame or to praise for it. */
export type Fate =
  | {
      readonly kind:
        | "answered"
        /** No connection: name, connect, TLS. Or one that broke before the client had a byte. */
        | "connect"
        | "cut"
        /** A success by its status that is none by its bytes: HTML, bad JSON, nothing. */
        | "protocol"
        /** After the client had its first byte: broken off, or silent for too long. */
        | "streamCut"
        | "clientLeft"
        /** The gateway's own refusal, and an open breaker: the provider was not asked. */
        | "refused";
    }
  /** The answer had not begun after `waitedMs`. */
  | { readonly kind: "timeout"; readonly waitedMs: number }
  /** An answer of status 300 or more. `code`: the provider's own word for the error. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly code?: string;
      readonly retryAfterMs?: number;
      /** x-should-retry */
      readonly shouldRetry?: boolean;
    }
  /** An error inside a stream that the client reads already, with the status that it names. */
  | { readonly kind: "streamError"; readonly status?: number; readonly code?: string };

/**
 * What follows from it. `retryable`: the same provider may be asked once more. `fallback`: another may be asked, for
 * the client has no byte yet and the question is not at fault.
 */
export type Verdict = {
  readonly breaker: Outcome;
  readonly retryable: boolean;
  readonly fallback: boolean;
};

function verdict(breaker: Outcome, ...then: readonly ("retry" | "fallback")[]): Verdict {
  return { breaker, retryable: then.includes("retry"), fallback: then.includes("fallback") };
}

/**
 * The classes of fates (reference, section 9.2). A provider that limits, bills or refuses us is alive: it answers, and
 * nobody else's calls would fail for it. So that ends an outage, and is none. One that is overloaded cannot answer, and
 * counts as failing, for all its models: there is one breaker for a provider.
 */
export const verdicts = {
  answered: verdict("ok"),
  unreached: verdict("failure", "retry", "fallback"),
  slow: verdict("failure", "retry", "fallback"),
  silent: verdict("failure", "fallback"),
  failing: verdict("failure", "retry", "fallback"),
  broken: verdict("failure", "fallback"),
  overloaded: verdict("failure", "fallback"),
  overloadedBriefly: verdict("failure", "retry", "fallback"),
  limited: verdict("alive", "fallback"),
  limitedBriefly: verdict("alive", "retry", "fallback"),
  unpaid: verdict("alive", "fallback"),
  unauthorized: verdict("alive", "fallback"),
  rejected: verdict("alive"),
  garbled: verdict("failure", "retry", "fallback"),
  streamBroken: verdict("failure"),
  streamRejected: verdict("alive"),
  unknown: verdict("neutral"),
} as const satisfies Record<string, Verdict>;

export type FateClass = keyof typeof verdicts;

export function verdictOf(fate: Fate): Verdict {
  const found = classOf(fate);
  const shouldRetry = fate.kind === "status" ? fate.shouldRetry : undefined;
  // Who says whether to try again is believed, but money does not come back by itself.
  if (shouldRetry === undefined || found === "unpaid") return verdicts[found];
  return { ...verdicts[found], retryable: shouldRetry };
}

/** Whoever was not heard of for so long is not asked a second time: the caller has waited long enough. */
const LONGEST_RETRIED_MS = 10_000;
/** So long a call may wait for a second try. */
const BRIEF_MS = 2_000;
const FAILING: ReadonlySet<number> = new Set([408, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
const MONEY_CODES: ReadonlySet<string> = new Set([
  "insufficient_quota",
  "billing_error",
  "billing_hard_limit_reached",
  "billing_not_active",
  "credit_balance_exhausted",
  "enforced_spend_limit_reached",
  "contract_spend_limit_reached",
  "linked_organization_spend_limit_reached",
]);

export function classOf(fate: Fate): FateClass {
  switch (fate.kind) {
    case "answered":
      return "answered";
    case "connect":
    case "cut":
      return "unreached";
    case "timeout":
      return fate.waitedMs > LONGEST_RETRIED_MS ? "silent" : "slow";
    case "status":
      return classOfStatus(fate);
    case "protocol":
      return "garbled";
    case "streamCut":
      return "streamBroken";
    case "streamError":
      return isCallersOrOurs(fate) ? "streamRejected" : "streamBroken";
    case "clientLeft":
    case "refused":
      return "unknown";
  }
}

function classOfStatus({ status, code, retryAfterMs }: Extract<Fate, { kind: "status" }>): FateClass {
  const isBrief = retryAfterMs !== undefined && retryAfterMs <= BRIEF_MS;
  if (status === 402 || (status < 500 && MONEY_CODES.has(code ?? ""))) return "unpaid";
  if (status === 429) return isBrief ? "limitedBriefly" : "limited";
  if (status === 401 || status === 403) return "unauthorized";
  if (status === 529 || (status === 503 && code === "overloaded_error"))
    return isBrief ? "overloadedBriefly" : "overloaded";
  if (FAILING.has(status)) return "failing";
  if (status >= 500) return "broken";
  return status < 400 ? "garbled" : "rejected";
}

function isCallersOrOurs({ status, code }: Extract<Fate, { kind: "streamError" }>): boolean {
  if (MONEY_CODES.has(code ?? "")) return true;
  return status !== undefined && status < 500 && status !== 408;
}
