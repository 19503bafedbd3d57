import { type Clock, DAY_MS } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { AppliedLimit } from "./admit.ts";
import { type Counters, CountersUnavailable, type Judgement } from "./limit.ts";

/** What is used and left of a limit. Of a cooldown, one is used while it holds. */
export type LimitState = {
  readonly used: number;
  readonly remaining: number;
  /** When it is full again, or the cooldown over: milliseconds since the epoch. */
  readonly resetAtMs: number;
};

export type LimitStateDeps = {
  readonly clock: Clock;
  /** Undefined: out of this process's reach. */
  readonly counters: Pick<Counters, "take"> | undefined;
  /** Of a daily quota, by its authority. */
  readonly usedToday: (quota: AppliedLimit) => Promise<number>;
};

/**
 * Looks at limits without taking anything, in their order, each key once. Undefined for what nobody within reach
 * knows: without counters all but daily quotas. Throws STORE_UNAVAILABLE.
 */
export async function limitStates(
  deps: LimitStateDeps,
  limits: readonly AppliedLimit[],
): Promise<readonly (LimitState | undefined)[]> {
  const taken = await deps.counters?.take(limits, false).catch((error: unknown) => {
    if (!(error instanceof CountersUnavailable)) throw error;
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
  });
  const now = taken?.now ?? deps.clock.now();
  const states = limits.map(async (limit, i) => {
    const judgement = taken?.judgements[i];
    if (judgement !== undefined && judgement.verdict !== "unseeded") return judged(limit, judgement, now);
    if (limit.shape !== "dailyQuota") return undefined;
    const used = await deps.usedToday(limit);
    const remaining = Math.max(0, limit.limit - used);
    return { used, remaining, resetAtMs: now + DAY_MS - (now % DAY_MS) };
  });
  return Promise.all(states);
}

function judged(limit: AppliedLimit, { verdict, remaining, resetMs }: Judgement, now: number): LimitState {
  const resetAtMs = now + resetMs;
  if (limit.shape === "hold") return { used: verdict === "exceeded" ? 1 : 0, remaining, resetAtMs };
  const size = limit.shape === "bucket" ? limit.capacity : limit.limit;
  return { used: Math.max(0, size - remaining), remaining, resetAtMs };
}
