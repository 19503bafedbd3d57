import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../lib/clock.ts";
import { dimension, NOON } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import type { Dimension, Taken } from "./limit.ts";
import { windowStartOf } from "./settle.ts";
import type { Entry } from "./states.memory.ts";

/** Time passes, a cost is asked for, and perhaps one of the costs that are still kept is given back. */
const moves = fc.array(
  fc.record({
    byMs: fc.integer({ min: 0, max: 900 }),
    cost: fc.integer({ min: 0, max: 4 }),
    giveBack: fc.option(fc.nat(), { nil: undefined }),
  }),
  { maxLength: 60 },
);
type Moves = typeof moves extends fc.Arbitrary<infer T> ? T : never;
const limits = fc.record({
  limit: fc.integer({ min: 0, max: 6 }),
  windowMs: fc.integer({ min: 1, max: 2_000 }),
  capacity: fc.integer({ min: 0, max: 6 }),
});

test("a window never keeps more than its limit, whatever is given back and when", async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.constantFrom("window", "dailyQuota"), moves, async (rule, shape, moves) => {
      const limit = dimension("k", { ...rule, shape });
      const kept = new Map<number, number>();
      for await (const { start, change, stored } of history(limit, moves)) {
        kept.set(start, (kept.get(start) ?? 0) + change);
        assert.ok(kept.get(start)! <= limit.limit);
        if (stored.since === start) assert.equal(stored.amount, kept.get(start));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a bucket never keeps more than its burst and its rate together, whatever is given back and when", async () => {
  await fc.assert(
    fc.asyncProperty(limits, moves, async (rule, moves) => {
      const limit = dimension("k", { ...rule, shape: "bucket" });
      let changes: { readonly at: number; kept: number }[] = [];
      for await (const { at, change, stored } of history(limit, moves)) {
        changes = [...changes, { at, kept: 0 }];
        for (const since of changes) {
          since.kept += change;
          const most = limit.capacity + ((at - since.at) * limit.limit) / limit.windowMs;
          assert.ok(since.kept <= most + 1e-9);
        }
        assert.ok(stored.amount <= limit.capacity);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a settled bucket is never above its burst nor in debt by more, and a window never below 0", async () => {
  const costs = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.nat(9), fc.nat(40)), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(limits, costs, async (rule, played) => {
      const clock = new VirtualClock(NOON);
      const entries = new Map<string, Entry>();
      const counters = memoryCounters({ clock, entries });
      for (const [byMs, reserved, cost] of played) {
        clock.advance(byMs);
        const asked = (["window", "bucket"] as const).map((shape) =>
          dimension(shape, { ...rule, shape, cost: reserved, reportOnly: true }),
        );
        const taken = await counters.take(asked, true);
        const before = asked.map(({ key }) => entries.get(key)?.state.amount);
        await counters.settle(asked, taken, [cost, cost]);
        const after = asked.map(({ key }) => entries.get(key)?.state.amount);
        const [windowFits, bucketFits] = taken.judgements.map(({ verdict }) => verdict === "fits");
        const burst = rule.limit === 0 ? 0 : rule.capacity;
        const delta = cost - reserved;
        if (windowFits) assert.equal(after[0], Math.max(0, before[0]! + delta));
        else assert.equal(after[0], before[0]);
        if (bucketFits) assert.equal(after[1], Math.max(0 - burst, Math.min(burst, before[1]! - delta)));
        else assert.equal(after[1], before[1]);
      }
    }),
    { numRuns: 500 },
  );
});

/** What the counters did: a cost that was taken, or given back (negative), and what is then stored. */
async function* history(limit: Dimension, moves: Moves) {
  const clock = new VirtualClock(NOON);
  const entries = new Map<string, Entry>();
  const counters = memoryCounters({ clock, entries });
  if (limit.shape === "dailyQuota") await counters.seed(limit, 0);
  const kept: { readonly asked: Dimension; readonly taken: Taken }[] = [];
  const told = (taken: Taken, change: number) => ({
    at: clock.now(),
    start: windowStartOf(limit, taken, 0),
    change,
    stored: entries.get(limit.key)!.state,
  });
  for (const { byMs, cost, giveBack } of moves) {
    clock.advance(byMs);
    const asked = { ...limit, cost };
    const taken = await counters.take([asked], true);
    if (taken.allowed) {
      kept.push({ asked, taken });
      yield told(taken, cost);
    }
    if (giveBack === undefined || kept.length === 0) continue;
    const [returned] = kept.splice(giveBack % kept.length, 1) as [(typeof kept)[number]];
    await counters.giveBack([returned.asked], returned.taken);
    yield told(returned.taken, -returned.asked.cost);
  }
}
