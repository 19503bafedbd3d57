import type { Dimension, Judgement, Shape } from "./limit.ts";

/**
 * The arithmetic of each shape. `take.lua.ts` says the same in Lua and must agree bit for bit: IEEE doubles, each
 * expression from left to right as it stands here.
 * A shape reads what is stored and judges; what it wants written is stored only if the whole decision is allowed.
 */
export function judge(state: State | undefined, dimension: Dimension, now: number): Step {
  return rules[dimension.shape](state, dimension, now);
}

/**
 * What is stored under a key: an amount, and the time (ms) since which it is true.
 * Window and daily quota: used since the start. Bucket: tokens at the last change. Epoch: the epoch, since 0.
 */
export type State = { readonly since: number; readonly amount: number };

/** A state and how long it can matter. */
export type Write = { readonly state: State; readonly ttlMs: number };

export type Step = {
  readonly judgement: Judgement;
  /** undefined: refused, or a shape that only reads. */
  readonly write: Write | undefined;
};

type Rule = (state: State | undefined, dimension: Dimension, now: number) => Step;

const rules: Record<Shape, Rule> = {
  /** A clock that steps back by up to one window freezes it; a larger step starts a new one. */
  window(state, dimension, now) {
    const { windowMs } = dimension;
    const isOver = state === undefined || now >= state.since + windowMs || now < state.since - windowMs;
    const { since, amount } = isOver ? { since: now, amount: 0 } : state;
    return count(since, amount, dimension, now, Math.max(1, windowMs + since - now));
  },

  dailyQuota(state, dimension, now) {
    if (state === undefined) {
      return {
        judgement: { verdict: "unseeded", remaining: 0, resetMs: dimension.windowMs, retryMs: 0 },
        write: undefined,
      };
    }
    const { since, amount } = quotaOfToday(state, dimension, now);
    return count(since, amount, dimension, now, quotaTtlMs(since, dimension, now));
  },

  /** Stores a level and the time it was true, so refills never have to be written. */
  bucket(state, dimension, now) {
    const { limit, windowMs, cost } = dimension;
    const capacity = capacityOf(dimension);
    const stored = state ?? { since: now, amount: capacity };
    const levelAt = (time: number): number =>
      Math.min(capacity, stored.amount + ((time - stored.since) * limit) / windowMs);
    const untilFull = (level: number): number =>
      limit === 0 ? windowMs : Math.ceil(((capacity - level) * windowMs) / limit);

    const since = Math.max(stored.since, now);
    const level = levelAt(since);
    if (level < cost) {
      const retryMs =
        cost > capacity || limit === 0 ? -1 : since + firstFit((wait) => levelAt(since + wait) >= cost) - now;
      const remaining = Math.max(0, Math.floor(level));
      return {
        judgement: { verdict: "exceeded", remaining, resetMs: untilFull(level), retryMs },
        write: undefined,
      };
    }
    const amount = level - cost;
    const resetMs = untilFull(amount);
    return {
      judgement: { verdict: "fits", remaining: Math.floor(amount), resetMs, retryMs: 0 },
      write: { state: { since, amount }, ttlMs: resetMs + 1000 + (since - now) },
    };
  },

  epoch(state, dimension) {
    const stored = state?.amount ?? -1;
    const verdict = stored > dimension.limit ? "stale" : "fits";
    return { judgement: { verdict, remaining: stored, resetMs: 0, retryMs: 0 }, write: undefined };
  },
};

/** Of a bucket. One that refuses everything must not start full. */
export function capacityOf({ limit, capacity }: Dimension): number {
  return limit === 0 ? 0 : capacity;
}

/** What a daily quota holds once today's count is known to be at least `used`. */
export function seedQuota(state: State | undefined, dimension: Dimension, used: number, now: number): Write {
  const today = state ?? { since: startOfDay(dimension, now), amount: 0 };
  const { since, amount } = quotaOfToday(today, dimension, now);
  return {
    state: { since, amount: Math.max(amount, used) },
    ttlMs: quotaTtlMs(since, dimension, now),
  };
}

/** A clock that steps back by up to one day freezes the count. */
function quotaOfToday(state: State, dimension: Dimension, now: number): State {
  const start = startOfDay(dimension, now);
  return start > state.since || start < state.since - dimension.windowMs
    ? { since: start, amount: 0 }
    : state;
}

function startOfDay({ windowMs }: Dimension, now: number): number {
  return Math.floor(now / windowMs) * windowMs;
}

/** One day longer than the count: without state a seed would have to be read. */
function quotaTtlMs(since: number, { windowMs }: Dimension, now: number): number {
  return 2 * windowMs + since - now;
}

function count(since: number, used: number, dimension: Dimension, now: number, ttlMs: number): Step {
  const { limit, windowMs, cost } = dimension;
  const resetMs = since + windowMs - now;
  if (used + cost > limit) {
    const retryMs = cost > limit ? -1 : resetMs;
    return {
      judgement: { verdict: "exceeded", remaining: Math.max(0, limit - used), resetMs, retryMs },
      write: undefined,
    };
  }
  return {
    judgement: { verdict: "fits", remaining: limit - used - cost, resetMs, retryMs: 0 },
    write: { state: { since, amount: used + cost }, ttlMs },
  };
}

/** The smallest whole wait of at least 1 ms that fits, by doubling and halving: no rounding, and it always ends. */
function firstFit(fits: (wait: number) => boolean): number {
  let step = 1;
  while (!fits(step)) step *= 2;
  let tooShort = 0;
  for (; step >= 1; step /= 2) if (!fits(tooShort + step)) tooShort += step;
  return tooShort + 1;
}
