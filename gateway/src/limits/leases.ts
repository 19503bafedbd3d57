import type { Dimension } from "./limit.ts";
import type { State, Step, Write } from "./shapes.ts";

/** A call in flight, until it ends, or at the latest at `expiresAt`, milliseconds since the epoch. */
export type Lease = { readonly id: string; readonly expiresAt: number };

/** The announced wait supposes that no call ends before its lease does. */
export function judgeLease(state: State | undefined, dimension: Dimension, now: number): Step {
  const { limit, windowMs, cost } = dimension;
  const live = leasesOf(state).filter(({ expiresAt }) => expiresAt > now);
  if (live.length + cost > limit) {
    const remaining = Math.max(0, limit - live.length);
    const retryMs = cost > limit ? -1 : endOf(live, live.length + cost - limit) - now;
    return { judgement: { verdict: "exceeded", remaining, resetMs: 0, retryMs }, write: undefined };
  }
  const lease = { id: leaseOf(dimension), expiresAt: now + windowMs };
  return {
    judgement: { verdict: "fits", remaining: limit - live.length - cost, resetMs: 0, retryMs: 0 },
    write: cost === 0 ? undefined : kept([...live.filter(({ id }) => id !== lease.id), lease], now),
  };
}

/** The lease's name for Redis, too. Calls without names would all share one place. */
export function leaseOf({ lease, cost }: Dimension): string {
  if (lease === undefined && cost > 0) throw new TypeError("A call in flight needs the id of its lease");
  return lease ?? "-";
}

export function isLive(state: State | undefined, { lease }: Dimension, now: number): boolean {
  return leasesOf(state).some(({ id, expiresAt }) => id === lease && expiresAt > now);
}

/** A live lease lasts for `windowMs` from now; a clock that stepped back does not shorten it. */
export function renewed(state: State | undefined, { lease, windowMs }: Dimension, now: number): Write {
  const leases = leasesOf(state).map(({ id, expiresAt }) =>
    id === lease ? { id, expiresAt: Math.max(expiresAt, now + windowMs) } : { id, expiresAt },
  );
  return kept(leases, now);
}

/** undefined: it was the last. */
export function withoutLease(state: State | undefined, { lease }: Dimension): State | undefined {
  const leases = leasesOf(state).filter(({ id }) => id !== lease);
  return leases.length === 0 ? undefined : { since: 0, amount: leases.length, leases };
}

function leasesOf(state: State | undefined): readonly Lease[] {
  return state?.leases ?? [];
}

/** When the `n`-th of them to end has ended. */
function endOf(leases: readonly Lease[], n: number): number {
  return leases.map(({ expiresAt }) => expiresAt).toSorted((a, b) => a - b)[n - 1]!;
}

function kept(leases: readonly Lease[], now: number): Write {
  const last = leases.reduce((latest, { expiresAt }) => Math.max(latest, expiresAt), now);
  return { state: { since: 0, amount: leases.length, leases }, ttlMs: last - now + 1000 };
}
