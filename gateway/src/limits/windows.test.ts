import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dimension, NOON } from "./counters.contract.ts";
import type { Dimension } from "./limit.ts";
import { judge, type State } from "./shapes.ts";

const hour = dimension("hour", { shape: "aligned", windowMs: 3_600_000, limit: 2 });
const minute = dimension("minute", { shape: "sliding", windowMs: 60_000, limit: 10 });

test("an aligned window ends at the full hour, whenever its first call came, and is forgotten then", () => {
  const { judgement, write } = judge(undefined, hour, NOON + 3_599_000);
  assert.deepEqual(judgement, { verdict: "fits", remaining: 1, resetMs: 1_000, retryMs: 0 });
  assert.deepEqual(write, { state: { since: NOON, amount: 1 }, ttlMs: 1_000 });
  const full = { since: NOON, amount: 2 };
  assert.equal(judge(full, hour, NOON + 3_599_999).judgement.retryMs, 1);
  assert.equal(judge(full, hour, NOON + 3_600_000).judgement.remaining, 1);
});

test("a clock that steps back by one hour freezes an aligned hour; a larger step starts another one", () => {
  const full = { since: NOON, amount: 2 };
  assert.equal(judge(full, hour, NOON - 3_600_000).judgement.retryMs, 7_200_000);
  assert.equal(judge(full, hour, NOON - 3_600_001).judgement.verdict, "fits");
});

test("a sliding window weighs the window before by the part of it that it still covers", () => {
  const leftAt = (state: State, ms: number): number =>
    judge(state, { ...minute, cost: 0 }, NOON + ms).judgement.remaining;
  const state = { since: NOON, amount: 0, previous: 10 };
  assert.deepEqual(
    [0, 30_000, 54_000, 54_001, 59_999, 60_000].map((ms) => leftAt(state, ms)),
    [0, 5, 9, 10, 10, 10],
  );
  const { judgement, write } = judge({ ...state, amount: 4 }, minute, NOON + 30_000);
  assert.deepEqual(judgement, { verdict: "fits", remaining: 0, resetMs: 30_000, retryMs: 0 });
  assert.deepEqual(write, { state: { since: NOON, amount: 5, previous: 10 }, ttlMs: 90_000 });
});

test("a full sliding window tells when its next call fits, in this window or the next", () => {
  const waitAt = (state: State, ms: number, cost = 1): number =>
    judge(state, { ...minute, cost }, NOON + ms).judgement.retryMs;
  const spent = { since: NOON, amount: 0, previous: 10 };
  assert.equal(waitAt(spent, 0), 1);
  assert.equal(waitAt({ ...spent, amount: 5 }, 0), 30_000 + 1);
  assert.equal(waitAt({ ...spent, amount: 10 }, 45_000), 15_000 + 1);
  assert.equal(waitAt({ ...spent, amount: 10 }, 45_000, 10), 15_000 + 54_001);
  assert.equal(waitAt(spent, 0, 11), -1);
});

test("a clock that steps back by one window freezes a sliding one; a larger step forgets it", () => {
  const full = { since: NOON, amount: 10, previous: 0 };
  assert.equal(judge(full, minute, NOON - 60_000).judgement.resetMs, 120_000);
  assert.equal(judge(full, minute, NOON - 60_001).judgement.remaining, 9);
  assert.equal(judge(full, minute, NOON + 120_000).judgement.remaining, 9);
});

test("a sliding window whose length has changed goes on with what it has counted", () => {
  const changed = { ...minute, windowMs: 45_000, cost: 0 };
  const state = { since: NOON + 60_000, amount: 10, previous: 10 };
  for (let ms = 60_000; ms < 3 * 60_000; ms += 1_000) {
    const { remaining } = judge(state, changed, NOON + ms).judgement;
    assert.ok(remaining >= 0 && remaining <= 10);
  }
});

type Grant = { readonly at: number; readonly cost: number };
const limits = fc.record({
  limit: fc.integer({ min: 0, max: 9 }),
  windowMs: fc.integer({ min: 1, max: 2_000 }),
});
const moves = fc.array(
  fc.record({ byMs: fc.integer({ min: 0, max: 1_500 }), cost: fc.integer({ min: 0, max: 9 }) }),
  { maxLength: 60 },
);

test("no aligned window admits more than its limit", () => {
  everyGrant("aligned", ({ limit, windowMs }, grants) => {
    const start = Math.floor(grants.at(-1)!.at / windowMs) * windowMs;
    assert.ok(sum(grants.filter(({ at }) => at >= start)) <= limit);
  });
});

test("at every grant the window and its share of the one before hold no more than a sliding limit", () => {
  everyGrant("sliding", ({ limit, windowMs }, grants) => {
    const { at: now } = grants.at(-1)!;
    const start = Math.floor(now / windowMs) * windowMs;
    const before = sum(grants.filter(({ at }) => at >= start - windowMs && at < start));
    const within = sum(grants.filter(({ at }) => at >= start));
    assert.ok(within + Math.floor((before * (windowMs - (now - start))) / windowMs) <= limit);
  });
});

function everyGrant(
  shape: "aligned" | "sliding",
  check: (limit: Dimension, grants: readonly Grant[]) => void,
): void {
  fc.assert(
    fc.property(limits, moves, (rule, played) => {
      const limit = dimension("k", { ...rule, shape });
      const grants: Grant[] = [];
      let state: State | undefined;
      let now = NOON;
      for (const { byMs, cost } of played) {
        now += byMs;
        const { write } = judge(state, { ...limit, cost }, now);
        if (write === undefined) continue;
        state = write.state;
        grants.push({ at: now, cost });
        check(limit, grants);
      }
    }),
    { numRuns: 1_000 },
  );
}

function sum(grants: readonly Grant[]): number {
  return grants.reduce((total, { cost }) => total + cost, 0);
}
