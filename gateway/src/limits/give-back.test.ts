import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../lib/clock.ts";
import { dimension, NOON } from "./counters.contract.ts";
import { type Entry, memoryCounters } from "./counters.memory.ts";
import { windowStartOf } from "./give-back.ts";
import type { Dimension, Taken } from "./limit.ts";

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
