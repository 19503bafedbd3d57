import { firstFit } from "./first-fit.ts";
import type { Dimension } from "./limit.ts";
import type { State, Step, Write } from "./shapes.ts";

type Rule = Pick<Dimension, "limit" | "windowMs" | "cost">;

/** A clock that steps back by up to one window freezes it; a larger step starts a new one. */
export function judgeWindow(state: State | undefined, rule: Rule, now: number): Step {
  const { windowMs } = rule;
  const isOver = state === undefined || now >= state.since + windowMs || now < state.since - windowMs;
  const { since, amount } = isOver ? { since: now, amount: 0 } : state;
  return count(since, amount, rule, now, Math.max(1, windowMs + since - now));
}

export function judgeAligned(state: State | undefined, rule: Rule, now: number): Step {
  const { since, amount } = alignedNow(state, rule, now);
  return count(since, amount, rule, now, rule.windowMs + since - now);
}

export function judgeQuota(state: State | undefined, rule: Rule, now: number): Step {
  if (state === undefined) {
    return {
      judgement: { verdict: "unseeded", remaining: 0, resetMs: rule.windowMs, retryMs: 0 },
      write: undefined,
    };
  }
  const { since, amount } = alignedNow(state, rule, now);
  return count(since, amount, rule, now, twoWindowsMs(since, rule, now));
}

/** What a daily quota holds once today's count is known to be at least `used`. */
export function seedQuota(state: State | undefined, rule: Rule, used: number, now: number): Write {
  const { since, amount } = alignedNow(state, rule, now);
  return {
    state: { since, amount: Math.max(amount, used) },
    ttlMs: twoWindowsMs(since, rule, now),
  };
}

/** The wait is found by asking this same arithmetic, so it is exact. */
export function judgeSliding(state: State | undefined, rule: Rule, now: number): Step {
  const { limit, windowMs, cost } = rule;
  const { since, amount, previous } = slidTo(state, rule, now);
  const used = slidingUse(state, rule, now);
  const resetMs = since + windowMs - now;
  if (used + cost > limit) {
    const retryMs =
      cost > limit ? -1 : firstFit((wait) => slidingUse(state, rule, now + wait) + cost <= limit);
    return {
      judgement: { verdict: "exceeded", remaining: Math.max(0, limit - used), resetMs, retryMs },
      write: undefined,
    };
  }
  return {
    judgement: { verdict: "fits", remaining: limit - used - cost, resetMs, retryMs: 0 },
    write: { state: { since, amount: amount + cost, previous }, ttlMs: twoWindowsMs(since, rule, now) },
  };
}

/** A clock that steps back by up to one window freezes the count. */
function alignedNow(state: State | undefined, rule: Rule, now: number): State {
  const start = startOf(rule, now);
  return state === undefined || start > state.since || start < state.since - rule.windowMs
    ? { since: start, amount: 0 }
    : state;
}

/** As above, but the window that has just ended becomes the one before. */
function slidTo(state: State | undefined, rule: Rule, time: number): State & { readonly previous: number } {
  const { windowMs } = rule;
  const since = startOf(rule, time);
  if (state === undefined || since >= state.since + 2 * windowMs || since < state.since - windowMs) {
    return { since, amount: 0, previous: 0 };
  }
  if (since > state.since) return { since, amount: 0, previous: state.amount };
  return { since: state.since, amount: state.amount, previous: state.previous ?? 0 };
}

function slidingUse(state: State | undefined, rule: Rule, time: number): number {
  const { windowMs } = rule;
  const { since, amount, previous } = slidTo(state, rule, time);
  const elapsed = Math.max(0, time - since);
  return amount + Math.floor((previous * (windowMs - elapsed)) / windowMs);
}

function startOf({ windowMs }: Rule, now: number): number {
  return Math.floor(now / windowMs) * windowMs;
}

/** One window longer than the count: a sliding one still weighs it, and a quota without state has to be seeded. */
function twoWindowsMs(since: number, { windowMs }: Rule, now: number): number {
  return 2 * windowMs + since - now;
}

function count(since: number, used: number, rule: Rule, now: number, ttlMs: number): Step {
  const { limit, windowMs, cost } = rule;
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
