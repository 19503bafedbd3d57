import { TollgateError } from "../lib/errors.ts";
import type { Arrears } from "./arrears.ts";
import type { Counters, Dimension, Judgement, Taken } from "./limit.ts";

/** Daily quotas as their authority, PostgreSQL, counts them. Both reject when it does not answer. */
export type QuotaAuthority<Quota> = {
  /** Takes all of them or none, today by the database's clock. */
  take(quotas: readonly Quota[]): Promise<Taken>;
  /** Returns what was taken for a call that was then refused. */
  giveBack(quotas: readonly Quota[]): Promise<void>;
};

/** What was decided, for the limits that were asked: some as their local share, in their own order. */
export type Decided<Limit> = { readonly limits: readonly Limit[]; readonly taken: Taken };

/**
 * Decides while the shared counters are away: windows and buckets on this instance's share, daily quotas by their
 * authority, fences not at all. Throws STORE_UNAVAILABLE when the authority is away too.
 */
export async function takeDegraded<Limit extends Dimension>(
  deps: {
    /** Counters of this process. */
    readonly fallback: Counters;
    /** Which part of a limit this instance may grant, (0, 1]. */
    readonly localShare: number;
    readonly quotas: QuotaAuthority<Limit>;
    readonly arrears: Arrears;
  },
  limits: readonly Limit[],
): Promise<Decided<Limit>> {
  const { fallback, quotas, arrears } = deps;
  const daily = limits.filter(({ shape }) => shape === "dailyQuota");
  const local = limits
    .filter(({ shape }) => shape === "window" || shape === "bucket")
    .map((limit) => localPart(limit, deps.localShare));
  if (daily.length === 0) return { limits: local, taken: await fallback.take(local, true) };

  const foreseen = await fallback.take(local, false);
  if (!foreseen.allowed) return { limits: local, taken: foreseen };
  const counted = await answered(quotas.take(daily));
  if (!counted.allowed) return { limits: daily, taken: counted };
  const taken = await fallback.take(local, true);
  if (!taken.allowed) {
    // Another call was faster. A quota that cannot be given back stays counted: one too many, never one too few.
    await quotas.giveBack(daily).catch(() => undefined);
    return { limits: local, taken };
  }
  for (const [i, quota] of daily.entries()) {
    const { remaining, resetMs } = counted.judgements[i]!;
    arrears.note(quota, quota.limit - remaining, resetMs);
  }
  return merged(limits, { limits: local, taken }, { limits: daily, taken: counted });
}

/** At least 1, and at least this cost if the whole limit holds it; 0 stays 0. */
function localPart<Limit extends Dimension>(limit: Limit, share: number): Limit {
  const partOf = (whole: number): number =>
    Math.max(Math.floor(whole * share), Math.min(whole, Math.max(1, limit.cost)));
  return { ...limit, limit: partOf(limit.limit), capacity: partOf(limit.capacity) };
}

async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause });
  }
}

function merged<Limit extends Dimension>(
  order: readonly Limit[],
  local: Decided<Limit>,
  daily: Decided<Limit>,
): Decided<Limit> {
  const found = new Map<string, { limit: Limit; judgement: Judgement }>();
  for (const { limits, taken } of [local, daily]) {
    for (const [i, limit] of limits.entries())
      found.set(limit.key, { limit, judgement: taken.judgements[i]! });
  }
  const pairs = order.flatMap(({ key }) => found.get(key) ?? []);
  return {
    limits: pairs.map(({ limit }) => limit),
    taken: { allowed: true, now: local.taken.now, judgements: pairs.map(({ judgement }) => judgement) },
  };
}
