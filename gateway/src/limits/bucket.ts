import { firstFit } from "./first-fit.ts";
import type { Dimension } from "./limit.ts";
import type { State, Step, Write } from "./shapes.ts";

/** Stores a level and the time it was true, so refills never have to be written. */
export function judgeBucket(state: State | undefined, dimension: Dimension, now: number): Step {
  const { limit, cost } = dimension;
  const stored = state ?? { since: now, amount: capacityOf(dimension) };
  const since = Math.max(stored.since, now);
  const level = levelAt(since, stored, dimension);
  if (level < cost) {
    const fits = (wait: number): boolean => levelAt(since + wait, stored, dimension) >= cost;
    const retryMs = cost > capacityOf(dimension) || limit === 0 ? -1 : since + firstFit(fits) - now;
    const remaining = Math.max(0, Math.floor(level));
    return {
      judgement: { verdict: "exceeded", remaining, resetMs: untilFullMs(level, dimension), retryMs },
      write: undefined,
    };
  }
  const amount = level - cost;
  const resetMs = untilFullMs(amount, dimension);
  return {
    judgement: { verdict: "fits", remaining: Math.floor(amount), resetMs, retryMs: 0 },
    write: { state: { since, amount }, ttlMs: resetMs + 1000 + (since - now) },
  };
}

/** After `delta` more was taken, or less: never above the capacity, and never further in debt than by as much. */
export function chargedBucket(
  state: State | undefined,
  dimension: Dimension,
  delta: number,
  now: number,
): Write {
  const capacity = capacityOf(dimension);
  const stored = state ?? { since: now, amount: capacity };
  const since = Math.max(stored.since, now);
  const amount = Math.max(0 - capacity, Math.min(capacity, levelAt(since, stored, dimension) - delta));
  return { state: { since, amount }, ttlMs: untilFullMs(amount, dimension) + 1000 + (since - now) };
}

/** One that refuses everything must not start full. */
function capacityOf({ limit, capacity }: Dimension): number {
  return limit === 0 ? 0 : capacity;
}

function levelAt(time: number, { since, amount }: State, dimension: Dimension): number {
  const { limit, windowMs } = dimension;
  return Math.min(capacityOf(dimension), amount + ((time - since) * limit) / windowMs);
}

function untilFullMs(level: number, dimension: Dimension): number {
  const { limit, windowMs } = dimension;
  return limit === 0 ? windowMs : Math.ceil(((capacityOf(dimension) - level) * windowMs) / limit);
}
