import { TollgateError } from "../lib/errors.ts";
import type { AppliedLimit } from "./admit.ts";
import type { Counters, Judgement, Taken } from "./limit.ts";
import type { Part } from "./ticket.ts";

/** Daily quotas as their authority, PostgreSQL, counts them. Both reject when it does not answer. */
export type QuotaAuthority<Quota> = {
  /** Takes all of them or none, today by the database's clock. */
  take(quotas: readonly Quota[]): Promise<Taken>;
  /** Returns what was taken for a call that was then refused. */
  giveBack(quotas: readonly Quota[]): Promise<void>;
};

/** What was decided, for the limits that were asked, some as their local share: in their order, and by whom. */
export type Decided = {
  readonly limits: readonly AppliedLimit[];
  readonly taken: Taken;
  readonly parts: readonly Part[];
};

/**
 * Decides while the shared counters are away: this instance's share of everything, daily quotas by their authority,
 * fences not at all. A quota that only reports is not asked for. Throws STORE_UNAVAILABLE when the authority is away.
 */
export async function takeDegraded(
  deps: {
    /** Counters of this process. */
    readonly fallback: Counters;
    /** Which part of a limit this instance may grant, (0, 1]. */
    readonly localShare: number;
    readonly quotas: QuotaAuthority<AppliedLimit>;
  },
  limits: readonly AppliedLimit[],
): Promise<Decided> {
  const { fallback, quotas } = deps;
  const daily = limits.filter(({ shape, reportOnly }) => shape === "dailyQuota" && reportOnly !== true);
  const local = limits
    .filter(({ shape }) => shape !== "dailyQuota" && shape !== "epoch")
    .map((limit) => localPart(limit, deps.localShare));
  const decided = (of: readonly AppliedLimit[], taken: Taken): Decided => ({
    limits: of,
    taken,
    parts: [{ counters: fallback, limits: local, taken }],
  });
  if (daily.length === 0) return decided(local, await fallback.take(local, true));

  const foreseen = await fallback.take(local, false);
  if (!foreseen.allowed) return decided(local, foreseen);
  const counted = await answered(quotas.take(daily));
  if (!counted.allowed) return decided(daily, counted);
  const taken = await fallback.take(local, true);
  if (!taken.allowed) {
    // Another call was faster. A quota that cannot be given back stays counted: one too many, never one too few.
    await quotas.giveBack(daily).catch(() => undefined);
    return decided(local, taken);
  }
  const authority = {
    settle: async () => {},
    giveBack: () => quotas.giveBack(daily),
    renew: async () => false,
  };
  return {
    ...merged(limits, { limits: local, taken }, { limits: daily, taken: counted }),
    parts: [
      { counters: fallback, limits: local, taken },
      { counters: authority, limits: daily, taken: counted },
    ],
  };
}

/** At least 1, and at least this cost if the whole limit holds it; 0 stays 0. */
function localPart(limit: AppliedLimit, share: number): AppliedLimit {
  const partOf = (whole: number): number =>
    Math.max(Math.floor(whole * share), Math.min(whole, Math.max(1, limit.cost)));
  if (limit.shape === "hold") return limit;
  return { ...limit, limit: partOf(limit.limit), capacity: partOf(limit.capacity) };
}

async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause });
  }
}

type Pieces = Pick<Decided, "limits" | "taken">;

function merged(order: readonly AppliedLimit[], local: Pieces, daily: Pieces): Pieces {
  const found = new Map<string, { limit: AppliedLimit; judgement: Judgement }>();
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
