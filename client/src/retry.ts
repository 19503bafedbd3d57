import type { TollgateError } from "./errors.ts";

/** An attempt that failed, and what the answer asked for. */
export type Refusal = {
  readonly error: TollgateError;
  /** By `retry-after-ms` or `Retry-After`. */
  readonly askedWaitMs?: number | undefined;
  /** By `x-should-retry`. */
  readonly shouldRetry?: boolean | undefined;
  /** The connection was never made. */
  readonly wasNotSent?: boolean;
};

export type Attempt = {
  /** 0 for the first. */
  readonly number: number;
  /** Doing it twice is the same as doing it once. */
  readonly isRepeatable: boolean;
  /** 0 to 1. */
  readonly random: () => number;
  /** Whoever is asked to wait for longer is told at once. */
  readonly longestWaitMs: number;
};

const FIRST_WAIT_MS = 500;
const LONGEST_OWN_WAIT_MS = 8_000;
const JITTER = 0.25;

/** The gateway answers with these before it has done anything, or without having had anything done. */
const undone: ReadonlySet<string> = new Set([
  "REQUEST_TIMEOUT",
  "RATE_LIMITED",
  "QUOTA_EXCEEDED",
  "COOLDOWN",
  "OVERLOADED",
  "PROVIDER_RATE_LIMITED",
  "PROVIDER_UNAVAILABLE",
  "PROVIDER_FAILED",
]);

/**
 * How long to wait before the request is sent again, in milliseconds; undefined: it is not.
 * What may have been done already (a POST whose connection broke, a 500, a 504) is sent again only if that does no harm.
 */
export function retryWait(
  refusal: Refusal,
  { number, isRepeatable, random, longestWaitMs }: Attempt,
): number | undefined {
  const { askedWaitMs } = refusal;
  if (!isWorthAnother(refusal) || !(isRepeatable || wasNotDone(refusal))) return undefined;
  if (askedWaitMs !== undefined) {
    if (askedWaitMs > longestWaitMs) return undefined;
    return Math.min(longestWaitMs, askedWaitMs + random() * JITTER * FIRST_WAIT_MS);
  }
  return Math.min(LONGEST_OWN_WAIT_MS, longestWaitMs, FIRST_WAIT_MS * 2 ** number) * (1 - random() * JITTER);
}

/** What the answer says comes first; then 408, 429, 5xx and broken connections, and a 409 that says when to come back. */
function isWorthAnother({ error, askedWaitMs, shouldRetry }: Refusal): boolean {
  if (shouldRetry !== undefined) return shouldRetry;
  const { type, status } = error;
  if (status === undefined) return type === "NETWORK_TIMEOUT" || type === "NETWORK_UNREACHABLE";
  return status === 408 || status === 429 || status >= 500 || (status === 409 && askedWaitMs !== undefined);
}

function wasNotDone({ error, wasNotSent }: Refusal): boolean {
  return wasNotSent === true || undone.has(error.code);
}
