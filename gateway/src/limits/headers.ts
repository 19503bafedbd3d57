import { isoTime } from "../lib/clock.ts";
import { type Standing, tightestOf } from "./standing.ts";

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
export const headerStyles = ["legacy", "draft11"] as const satisfies readonly HeaderStyle[];

/** Whose wire format an endpoint speaks; `tollgate` is our own. */
export type Surface = "openai" | "anthropic" | "tollgate";

type Headers = Record<string, string>;

/**
 * The limit headers of an answer. `legacy` tells the tightest limit, Reset in seconds since the epoch, and on the
 * surfaces of others the tightest of requests and of tokens as these do; `draft11` tells all limits but those of
 * tokens, for which draft-ietf-httpapi-ratelimit-headers-11 (a draft, not a standard) has no unit.
 */
export function limitHeaders(
  report: LimitReport,
  {
    styles = headerStyles,
    surface = "tollgate",
  }: { styles?: readonly HeaderStyle[]; surface?: Surface } = {},
): Headers {
  const headers: Headers = {};
  const { standings, tightest, degraded, resetAtMs } = report;
  if (tightest === undefined) return headers;
  if (styles.includes("legacy")) {
    headers["X-RateLimit-Limit"] = String(tightest.limit);
    headers["X-RateLimit-Remaining"] = String(tightest.remaining);
    headers["X-RateLimit-Reset"] = String(seconds(resetAtMs ?? tightest.now + tightest.resetMs));
    headers["X-RateLimit-Policy"] = tightest.id;
    if (surface !== "tollgate") tellSurface[surface](headers, standings);
  }
  if (styles.includes("draft11")) tellDraft(headers, standings);
  if (degraded) headers["X-RateLimit-Degraded"] = "local";
  return headers;
}

/** Ids of limits are plain words, so they are RFC 9651 strings as they stand. */
function tellDraft(headers: Headers, standings: readonly Standing[]): void {
  let policies = "";
  let states = "";
  for (const { id, unit, limit, remaining, windowMs, resetMs } of standings) {
    if (unit === "tokens") continue;
    const comma = policies === "" ? "" : ", ";
    const isOfCalls = unit === "calls";
    const span = isOfCalls ? ';qu="concurrent-requests"' : `;w=${integer(seconds(windowMs))}`;
    policies += `${comma}"${id}";q=${integer(limit)}${span}`;
    // A place comes free when another call ends: nobody knows when.
    states += `${comma}"${id}";r=${integer(remaining)}${isOfCalls ? "" : `;t=${integer(seconds(resetMs))}`}`;
  }
  if (policies === "") return;
  headers["RateLimit-Policy"] = policies;
  headers.RateLimit = states;
}

const tellSurface = {
  openai(headers: Headers, standings: readonly Standing[]): void {
    for (const unit of ["requests", "tokens"] as const) {
      const tightest = tightestOf(standings, unit);
      if (tightest === undefined) continue;
      headers[`x-ratelimit-limit-${unit}`] = String(tightest.limit);
      headers[`x-ratelimit-remaining-${unit}`] = String(tightest.remaining);
      headers[`x-ratelimit-reset-${unit}`] = goDuration(tightest.resetMs);
    }
  },
  anthropic(headers: Headers, standings: readonly Standing[]): void {
    for (const unit of ["requests", "tokens"] as const) {
      const tightest = tightestOf(standings, unit);
      if (tightest === undefined) continue;
      headers[`anthropic-ratelimit-${unit}-limit`] = String(tightest.limit);
      headers[`anthropic-ratelimit-${unit}-remaining`] = String(tightest.remaining);
      headers[`anthropic-ratelimit-${unit}-reset`] = isoTime(tightest.now + tightest.resetMs);
    }
  },
};

/** As Go prints a duration: `0s`, `120ms`, `1.5s`, `6m0s`, `23h59m59.999s`. */
export function goDuration(ms: number): string {
  const whole = Math.ceil(ms);
  if (whole < 1000) return whole === 0 ? "0s" : `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const rest = `${(whole % 60_000) / 1000}s`;
  if (minutes === 0) return rest;
  return minutes < 60 ? `${minutes}m${rest}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

/** RFC 9651 integers have at most 15 digits. */
function integer(value: number): number {
  return Math.min(value, 999_999_999_999_999);
}
