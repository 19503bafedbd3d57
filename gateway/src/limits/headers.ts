import type { Standing } from "./standing.ts";

/** What an admission says about the caller's limits; `resetAtMs` only when it refused. */
export type LimitReport = {
  readonly standings: readonly Standing[];
  readonly tightest: Standing | undefined;
  readonly degraded: boolean;
  /** When the call would be admitted, milliseconds since the epoch. */
  readonly resetAtMs?: number;
};

/** Which families to send. */
export type HeaderStyle = "legacy" | "draft11";

/**
 * The limit headers of an answer. `legacy` tells the tightest limit, Reset in seconds since the epoch; `draft11`
 * tells all, as draft-ietf-httpapi-ratelimit-headers-11 has it (a draft, not a standard).
 */
export function limitHeaders(
  { standings, tightest, degraded, resetAtMs }: LimitReport,
  styles: readonly HeaderStyle[] = ["legacy", "draft11"],
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (tightest === undefined) return headers;
  if (styles.includes("legacy")) {
    headers["X-RateLimit-Limit"] = String(tightest.limit);
    headers["X-RateLimit-Remaining"] = String(tightest.remaining);
    headers["X-RateLimit-Reset"] = String(seconds(resetAtMs ?? tightest.now + tightest.resetMs));
    headers["X-RateLimit-Policy"] = tightest.id;
  }
  if (styles.includes("draft11")) {
    headers["RateLimit-Policy"] = standings.map(policyItem).join(", ");
    headers.RateLimit = standings.map(stateItem).join(", ");
  }
  if (degraded) headers["X-RateLimit-Degraded"] = "local";
  return headers;
}

function policyItem({ id, limit, windowMs }: Standing): string {
  return `${text(id)};q=${integer(limit)};w=${integer(seconds(windowMs))}`;
}

function stateItem({ id, remaining, resetMs }: Standing): string {
  return `${text(id)};r=${integer(remaining)};t=${integer(seconds(resetMs))}`;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** RFC 9651 string: printable ASCII, which the ids of limits are. */
function text(id: string): string {
  return `"${id.replace(/[\\"]/g, "\\$&")}"`;
}

/** RFC 9651 integers have at most 15 digits. */
function integer(value: number): number {
  return Math.min(value, 999_999_999_999_999);
}
