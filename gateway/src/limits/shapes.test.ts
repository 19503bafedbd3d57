import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DAY_MS } from "../lib/clock.ts";
import type { Dimension, Judgement } from "./limit.ts";
import { judge, type State } from "./shapes.ts";
import { seedQuota } from "./windows.ts";

const NOON = Date.UTC(2026, 0, 1, 12);

function dimension(changes: Partial<Dimension>): Dimension {
  const base = {
    id: "test",
    shape: "window",
    key: "k",
    limit: 2,
    windowMs: 60_000,
    cost: 1,
    capacity: 0,
  } as const;
  return { ...base, ...changes };
}

/** A state that takes what fits, as a store would. */
function holder(limit: Dimension) {
  let state: State | undefined;
  return {
    seed(used: number, now: number) {
      state = seedQuota(state, limit, used, now).state;
    },
    take(now: number, cost = limit.cost): Judgement {
      const step = judge(state, { ...limit, cost }, now);
      if (step.write !== undefined) state = step.write.state;
      return step.judgement;
    },
    look(now: number, cost = limit.cost): Judgement {
      return judge(state, { ...limit, cost }, now).judgement;
    },
    get state() {
      return state;
    },
  };
}

test("a window starts with its first call, grants its limit, and then says how long to wait", () => {
  const user = holder(dimension({}));
  assert.deepEqual(user.take(NOON), { verdict: "fits", remaining: 1, resetMs: 60_000, retryMs: 0 });
  assert.deepEqual(user.take(NOON + 1_000), { verdict: "fits", remaining: 0, resetMs: 59_000, retryMs: 0 });
  const refused = { verdict: "exceeded", remaining: 0, resetMs: 50_000, retryMs: 50_000 };
  assert.deepEqual(user.take(NOON + 10_000), refused);
  assert.deepEqual(user.take(NOON + 59_999).verdict, "exceeded");
  assert.deepEqual(user.take(NOON + 60_000), { verdict: "fits", remaining: 1, resetMs: 60_000, retryMs: 0 });
});

test("a window lives in the store until it is over", () => {
  const limit = dimension({});
  const first = judge(undefined, limit, NOON);
  assert.deepEqual(first.write, { state: { since: NOON, amount: 1 }, ttlMs: 60_000 });
  assert.equal(judge(first.write?.state, limit, NOON + 59_000).write?.ttlMs, 1_000);
});

test("a clock that steps back by one window freezes the window; a larger step starts a new one", () => {
  const user = holder(dimension({}));
  user.take(NOON, 2);
  assert.deepEqual(user.take(NOON - 60_000), {
    verdict: "exceeded",
    remaining: 0,
    resetMs: 120_000,
    retryMs: 120_000,
  });
  assert.equal(user.take(NOON - 60_001).verdict, "fits");
});

test("a cost above the limit never fits, and a limit that was lowered leaves nothing", () => {
  const user = holder(dimension({ limit: 5 }));
  user.take(NOON, 4);
  assert.deepEqual(user.look(NOON, 6), { verdict: "exceeded", remaining: 1, resetMs: 60_000, retryMs: -1 });
  const lowered = judge(user.state, dimension({ limit: 3 }), NOON).judgement;
  assert.deepEqual(lowered, { verdict: "exceeded", remaining: 0, resetMs: 60_000, retryMs: 60_000 });
});

test("a daily quota asks for its count before it decides", () => {
  const quota = dimension({ shape: "dailyQuota", windowMs: DAY_MS, limit: 3 });
  assert.deepEqual(judge(undefined, quota, NOON), {
    judgement: { verdict: "unseeded", remaining: 0, resetMs: DAY_MS, retryMs: 0 },
    write: undefined,
  });
  const seeded = seedQuota(undefined, quota, 2, NOON);
  assert.deepEqual(seeded, { state: { since: NOON - DAY_MS / 2, amount: 2 }, ttlMs: 1.5 * DAY_MS });
});

test("a daily quota ends at midnight UTC", () => {
  const quota = holder(dimension({ shape: "dailyQuota", windowMs: DAY_MS, limit: 3 }));
  quota.seed(2, NOON);
  assert.deepEqual(quota.take(NOON), { verdict: "fits", remaining: 0, resetMs: DAY_MS / 2, retryMs: 0 });
  assert.equal(quota.take(NOON + 1_000).retryMs, DAY_MS / 2 - 1_000);
  assert.equal(quota.take(NOON + DAY_MS / 2 - 1).verdict, "exceeded");
  assert.deepEqual(quota.take(NOON + DAY_MS / 2), {
    verdict: "fits",
    remaining: 2,
    resetMs: DAY_MS,
    retryMs: 0,
  });
});

test("a clock that steps back by one day freezes the quota; a larger step starts a new day", () => {
  const quota = holder(dimension({ shape: "dailyQuota", windowMs: DAY_MS, limit: 1 }));
  quota.seed(1, NOON);
  assert.equal(quota.take(NOON - DAY_MS).retryMs, 1.5 * DAY_MS);
  assert.equal(quota.take(NOON - 2 * DAY_MS).verdict, "fits");
});

test("a seed raises today's count and never lowers it", () => {
  const quota = dimension({ shape: "dailyQuota", windowMs: DAY_MS, limit: 9 });
  const state = seedQuota(undefined, quota, 5, NOON).state;
  assert.equal(seedQuota(state, quota, 3, NOON).state.amount, 5);
  assert.equal(seedQuota(state, quota, 8, NOON).state.amount, 8);
  assert.equal(seedQuota(state, quota, 1, NOON + DAY_MS).state.amount, 1);
});

test("a bucket grants its burst and then its rate", () => {
  const key = holder(dimension({ shape: "bucket", limit: 60, capacity: 3 }));
  assert.deepEqual(key.take(NOON, 3), { verdict: "fits", remaining: 0, resetMs: 3_000, retryMs: 0 });
  assert.deepEqual(key.take(NOON), { verdict: "exceeded", remaining: 0, resetMs: 3_000, retryMs: 1_000 });
  assert.equal(key.take(NOON + 999).retryMs, 1);
  assert.equal(key.take(NOON + 1_000).verdict, "fits");
  assert.deepEqual(key.look(NOON + 1_000, 4), {
    verdict: "exceeded",
    remaining: 0,
    resetMs: 3_000,
    retryMs: -1,
  });
});

test("a bucket stores its level until it is full again, even if the clock stepped back", () => {
  const limit = dimension({ shape: "bucket", limit: 60, capacity: 3 });
  const first = judge(undefined, limit, NOON);
  assert.deepEqual(first.write, { state: { since: NOON, amount: 2 }, ttlMs: 2_000 });
  const earlier = judge(first.write?.state, limit, NOON - 5_000);
  assert.deepEqual(earlier.write, { state: { since: NOON, amount: 1 }, ttlMs: 2_000 + 1_000 + 5_000 });
  const empty = { since: NOON, amount: 0 };
  assert.equal(judge(empty, limit, NOON - 5_000).judgement.retryMs, 6_000);
});

test("a bucket whose capacity was lowered holds no more than that", () => {
  const limit = dimension({ shape: "bucket", limit: 60, capacity: 3 });
  assert.equal(judge({ since: NOON, amount: 10 }, limit, NOON).judgement.remaining, 2);
});

test("a bucket of absurd size is judged without end or overflow", () => {
  const largest = Number.MAX_SAFE_INTEGER;
  const limit = dimension({ shape: "bucket", limit: 1, capacity: largest, windowMs: largest, cost: largest });
  const { retryMs } = judge({ since: NOON, amount: 0 }, limit, NOON).judgement;
  assert.ok(retryMs > 1e30 && Number.isFinite(retryMs));
});

test("an epoch fences a caller whose cached identity is older", () => {
  const cached = dimension({ shape: "epoch", limit: 7 });
  const verdict = (stored: State | undefined) => judge(stored, cached, NOON);
  const judged = (verdict: string, remaining: number) => ({
    judgement: { verdict, remaining, resetMs: 0, retryMs: 0 },
    write: undefined,
  });
  assert.deepEqual(verdict(undefined), judged("fits", -1));
  assert.deepEqual(verdict({ since: 0, amount: 6 }), judged("fits", 6));
  assert.deepEqual(verdict({ since: 0, amount: 7 }), judged("fits", 7));
  assert.deepEqual(verdict({ since: 0, amount: 8 }), judged("stale", 8));
});

const smallLimit = fc.record({
  limit: fc.integer({ min: 0, max: 6 }),
  windowMs: fc.integer({ min: 1, max: 2_000 }),
  capacity: fc.integer({ min: 0, max: 6 }),
});
const anyShape = fc.constantFrom("window", "aligned", "sliding", "dailyQuota", "bucket");
const steps = fc.array(
  fc.record({ byMs: fc.integer({ min: -1_500, max: 1_500 }), cost: fc.integer({ min: 0, max: 8 }) }),
  { maxLength: 60 },
);

test("no window ever grants more than its limit, whatever the clock does", () => {
  fc.assert(
    fc.property(
      smallLimit,
      fc.constantFrom("window", "aligned", "dailyQuota"),
      steps,
      (limit, shape, moves) => {
        const held = holder(dimension({ ...limit, shape }));
        held.seed(0, NOON);
        const granted = new Map<number, number>();
        let now = NOON;
        for (const { byMs, cost } of moves) {
          now += byMs;
          if (held.take(now, cost).verdict !== "fits") continue;
          const { since } = held.state!;
          // A start that comes back after a large step backwards is a new window.
          if (held.state!.amount === cost) granted.set(since, 0);
          granted.set(since, granted.get(since)! + cost);
          assert.ok(granted.get(since)! <= limit.limit);
          assert.equal(granted.get(since), held.state!.amount);
        }
      },
    ),
  );
});

test("in any stretch of time a window admits at most twice its limit", () => {
  fc.assert(
    fc.property(smallLimit, steps, (limit, moves) => {
      const held = holder(dimension(limit));
      let now = NOON;
      const grants: { at: number; cost: number }[] = [];
      for (const { byMs, cost } of moves) {
        now += Math.abs(byMs);
        if (held.take(now, cost).verdict === "fits") grants.push({ at: now, cost });
      }
      for (const { at } of grants) {
        const inside = grants.filter((grant) => grant.at >= at && grant.at < at + limit.windowMs);
        assert.ok(inside.reduce((sum, { cost }) => sum + cost, 0) <= 2 * limit.limit);
      }
    }),
  );
});

test("in any stretch of time a bucket admits at most its burst plus its rate", () => {
  fc.assert(
    fc.property(smallLimit, steps, (limit, moves) => {
      const held = holder(dimension({ ...limit, shape: "bucket" }));
      let now = NOON;
      const grants: { at: number; cost: number }[] = [];
      for (const { byMs, cost } of moves) {
        now += Math.abs(byMs);
        if (held.take(now, cost).verdict === "fits") grants.push({ at: now, cost });
      }
      for (const [i, { at }] of grants.entries()) {
        let admitted = 0;
        for (const grant of grants.slice(i)) {
          admitted += grant.cost;
          const most = limit.capacity + ((grant.at - at) * limit.limit) / limit.windowMs;
          assert.ok(admitted <= most + 1e-9);
        }
      }
    }),
  );
});

test("the announced wait is exact: one millisecond less is refused, and then it fits", () => {
  fc.assert(
    fc.property(smallLimit, anyShape, steps, (limit, shape, moves) => {
      const held = holder(dimension({ ...limit, shape }));
      held.seed(0, NOON);
      let now = NOON;
      for (const { byMs, cost } of moves) {
        now += byMs;
        const { verdict, retryMs } = held.take(now, cost);
        if (verdict === "fits") {
          assert.equal(retryMs, 0);
        } else if (retryMs === -1) {
          assert.equal(held.look(now + 1e9, cost).verdict, "exceeded");
        } else {
          assert.equal(held.look(now + retryMs - 1, cost).verdict, "exceeded");
          assert.equal(held.look(now + retryMs, cost).verdict, "fits");
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("the announced wait of a large bucket is exact too", () => {
  const size = fc.integer({ min: 1, max: 2 ** 40 });
  fc.assert(
    fc.property(
      size,
      size,
      fc.integer({ min: 1, max: 1e9 }),
      fc.double({ min: 0, max: 1 }),
      (limit, capacity, windowMs, part) => {
        const large = dimension({ shape: "bucket", limit, capacity, windowMs, cost: capacity });
        const state = { since: NOON, amount: capacity * part };
        const { verdict, retryMs } = judge(state, large, NOON).judgement;
        fc.pre(verdict !== "fits" && retryMs < 2 ** 52);
        assert.equal(judge(state, large, NOON + retryMs).judgement.verdict, "fits");
        assert.equal(judge(state, large, NOON + retryMs - 1).judgement.verdict, "exceeded");
      },
    ),
  );
});

test("a limit of 0 refuses every cost and can never fit", () => {
  fc.assert(
    fc.property(smallLimit, anyShape, steps, (limit, shape, moves) => {
      const held = holder(dimension({ ...limit, shape, limit: 0 }));
      held.seed(0, NOON);
      let now = NOON;
      for (const { byMs, cost } of moves) {
        now += byMs;
        const { verdict, retryMs, remaining } = held.take(now, cost);
        assert.equal(verdict, cost === 0 ? "fits" : "exceeded");
        assert.equal(retryMs, cost === 0 ? 0 : -1);
        assert.equal(remaining, 0);
      }
    }),
  );
});

test("a refusal writes nothing", () => {
  fc.assert(
    fc.property(smallLimit, anyShape, steps, (limit, shape, moves) => {
      const held = holder(dimension({ ...limit, shape }));
      held.seed(0, NOON);
      let now = NOON;
      for (const { byMs, cost } of moves) {
        now += byMs;
        const { judgement, write } = judge(held.state, dimension({ ...limit, shape, cost }), now);
        assert.equal(write === undefined, judgement.verdict !== "fits");
        held.take(now, cost);
      }
    }),
  );
});
