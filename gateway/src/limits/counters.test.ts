import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { countersContract, dimension, NOON } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import { inMemory } from "./counters.testing.ts";
import { holdsContract } from "./holds.contract.ts";
import { leasesContract } from "./leases.contract.ts";
import { settleContract } from "./settle.contract.ts";
import type { Entry } from "./states.memory.ts";

function memory(maxEntries?: number) {
  const clock = new VirtualClock(NOON);
  const entries = new Map<string, Entry>();
  const bound = maxEntries === undefined ? {} : { maxEntries };
  return {
    counters: memoryCounters({ clock, entries, ...bound }),
    clock,
    entries,
  };
}

describe("counters in memory", () => {
  countersContract(async () => inMemory());
  leasesContract(async () => inMemory());
  holdsContract(async () => inMemory());
  settleContract(async () => inMemory());

  test("they are always healthy and close without a trace", async () => {
    const { counters } = memory();
    assert.equal(await counters.healthy(), true);
    await counters.close();
  });

  test("what has expired makes room for new subjects", async () => {
    const { counters, clock, entries } = memory(2);
    await counters.take([dimension("a")], true);
    await counters.take([dimension("b", { shape: "bucket", limit: 60, capacity: 2 })], true);
    clock.advance(2_000);
    await counters.take([dimension("c")], true);
    assert.deepEqual([...entries.keys()], ["a", "c"]);
  });

  test("a flood of new subjects shares one state and frees nobody from a limit", async () => {
    const { counters, entries } = memory(2);
    const limited = dimension("limited", { limit: 1 });
    await counters.take([limited], true);
    const passed: boolean[] = [];
    for (let i = 0; i < 50; i++) {
      const taken = await counters.take([dimension(`new-${i}`, { id: "address-minute" })], true);
      passed.push(taken.allowed);
    }
    assert.deepEqual(entries.size, 3);
    assert.equal(passed.filter(Boolean).length, 1 + 3);
    assert.equal((await counters.take([limited], true)).allowed, false);
  });

  test("what the shared state of a flood gave goes back there, and to nobody's own", async () => {
    const { counters, clock, entries } = memory(1);
    await counters.take([dimension("a", { windowMs: 1_000 })], true);
    const late = dimension("late", { id: "key-minute", shape: "bucket", limit: 1, capacity: 3, cost: 2 });
    const crowded = await counters.take([late], true);
    clock.advance(1_000);
    entries.delete("a");
    entries.set("late", { state: { since: NOON + 1_000, amount: 0 }, expiresAt: NOON + 60_000 });
    await counters.giveBack([late], crowded);
    assert.equal(entries.get("late")?.state.amount, 0);
    assert.equal(entries.get("overflow/key-minute")?.state.amount, 3);
  });

  test("a lease in the shared state of a flood is renewed and ended there", async () => {
    const { counters, clock, entries } = memory(1);
    await counters.take([dimension("a")], true);
    const call = dimension("late", { id: "parallel", shape: "lease", windowMs: 1_000, lease: "call" });
    const taken = await counters.take([call], true);
    clock.advance(999);
    assert.equal(await counters.renew(call), true);
    clock.advance(999);
    assert.ok(entries.has("overflow/parallel"));
    await counters.giveBack([call], taken);
    assert.ok(!entries.has("overflow/parallel"));
  });

  test("a flood of new subjects that strike holds nobody, and known ones go on counting", async () => {
    const { counters, entries } = memory(2);
    const strike = (name: string) =>
      counters.strike({
        windowKey: `w/${name}`,
        holdKey: `h/${name}`,
        threshold: 2,
        windowMs: 1_000,
        baseMs: 1_000,
        capMs: 1_000,
      });
    await strike("known");
    await counters.take([dimension("a")], true);
    for (let i = 0; i < 9; i++) assert.equal((await strike("new")).started, false);
    assert.equal((await strike("known")).started, true);
    assert.deepEqual([...entries.keys()], ["a", "h/known"]);
  });

  test("a full store is swept at most once a second", async () => {
    const { counters, clock, entries } = memory(1);
    await counters.take([dimension("a", { windowMs: 100 })], true);
    await counters.take([dimension("b", { id: "b" })], true);
    clock.advance(500);
    await counters.take([dimension("c", { id: "b" })], true);
    assert.ok(entries.has("a"));
    clock.advance(500);
    await counters.take([dimension("d", { id: "b" })], true);
    assert.ok(!entries.has("a"));
  });

  test("a seed in a full store goes where the decision looks", async () => {
    const { counters } = memory(1);
    await counters.take([dimension("a")], true);
    const quota = dimension("quota", { shape: "dailyQuota", limit: 2 });
    await counters.seed(quota, 1);
    assert.equal((await counters.take([quota], true)).allowed, true);
    assert.equal((await counters.take([quota], true)).allowed, false);
  });
});
