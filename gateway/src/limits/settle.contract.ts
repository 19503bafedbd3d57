import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS } from "../lib/clock.ts";
import { dimension, NOON, type Subject } from "./counters.contract.ts";

/** What memory and Redis both promise about costs that are corrected. `open` gives empty counters at `NOON`. */
export function settleContract(open: () => Promise<Subject>): void {
  test("what a call took is given back to all its limits together, and a fence stays as it is", async () => {
    const { counters, stateOf } = await open();
    const limits = [
      dimension("user", { cost: 2 }),
      dimension("quota", { shape: "dailyQuota", limit: 9, windowMs: DAY_MS, cost: 2 }),
      dimension("key", { shape: "bucket", limit: 60, capacity: 5, cost: 2 }),
      dimension("epoch", { shape: "epoch", limit: 4 }),
    ];
    await counters.seed(limits[1]!, 3);
    await counters.raiseEpoch("epoch", 4);
    await counters.giveBack(limits, await counters.take(limits, true));
    assert.deepEqual(await Promise.all(limits.map(({ key, shape }) => stateOf(key, shape))), [
      { since: NOON, amount: 0 },
      { since: NOON - DAY_MS / 2, amount: 3 },
      { since: NOON, amount: 5 },
      { since: 0, amount: 4 },
    ]);
  });

  test("a window that is over gets nothing back, nor does the one after it", async () => {
    const { counters, clock, stateOf, snapshot } = await open();
    const user = dimension("user");
    const first = await counters.take([user], true);
    clock.advance(60_000);
    await counters.take([user], true);
    const before = await snapshot(["user"]);
    await counters.giveBack([user], first);
    assert.equal(await snapshot(["user"]), before);
    assert.deepEqual(await stateOf("user", "window"), { since: NOON + 60_000, amount: 1 });
  });

  test("a bucket never gets more back than it holds, and one that is forgotten gets nothing", async () => {
    const { counters, clock, stateOf } = await open();
    const key = dimension("key", { shape: "bucket", limit: 60, capacity: 2 });
    const first = await counters.take([key], true);
    clock.advance(1_500);
    await counters.take([dimension("key", { ...key, cost: 0 })], true);
    await counters.giveBack([key], first);
    assert.deepEqual(await stateOf("key", "bucket"), { since: NOON + 1_500, amount: 2 });
    await counters.giveBack([{ ...key, key: "unknown" }], first);
    assert.equal(await stateOf("unknown", "bucket"), undefined);
  });

  test("a refused call took nothing and gives nothing back", async () => {
    const { counters, snapshot } = await open();
    const limits = [dimension("user"), dimension("strict", { limit: 1 })];
    await counters.take(limits, true);
    const before = await snapshot(["user", "strict"]);
    await counters.giveBack(limits, await counters.take(limits, true));
    assert.equal(await snapshot(["user", "strict"]), before);
  });

  test("a call that cost more or less than was taken is corrected, to a debt of one burst at most", async () => {
    const { counters, clock, stateOf } = await open();
    const limits = [
      dimension("user", { limit: 9, cost: 2 }),
      dimension("hour", { shape: "aligned", limit: 9, windowMs: 3_600_000, cost: 2 }),
      dimension("slide", { shape: "sliding", limit: 9, cost: 2 }),
      dimension("quota", { shape: "dailyQuota", limit: 9, windowMs: DAY_MS, cost: 2 }),
      dimension("tokens", { shape: "bucket", limit: 60, capacity: 5, cost: 2 }),
    ];
    await counters.seed(limits[3]!, 0);
    const taken = await counters.take(limits, true);
    await counters.settle(limits, taken, [1, 5, 30, 0, 30]);
    const amounts = async () =>
      (await Promise.all(limits.map(({ key, shape }) => stateOf(key, shape)))).map((state) => state?.amount);
    assert.deepEqual(await amounts(), [1, 5, 30, 0, -5]);
    const look = await counters.take([{ ...limits[4]!, cost: 0 }], false);
    assert.deepEqual(look.judgements, [
      { verdict: "exceeded", remaining: 0, resetMs: 10_000, retryMs: 5_000 },
    ]);
    clock.advance(5_000);
    assert.equal((await counters.take([{ ...limits[4]!, cost: 0 }], false)).allowed, true);
  });

  test("a bucket that was full and forgotten pays from what it holds now", async () => {
    const { counters, clock, stateOf } = await open();
    const tokens = dimension("tokens", { shape: "bucket", limit: 60, capacity: 5 });
    const taken = await counters.take([tokens], true);
    clock.advance(DAY_MS);
    await counters.settle([tokens], taken, [4]);
    assert.deepEqual(await stateOf("tokens", "bucket"), { since: NOON + DAY_MS, amount: 2 });
    await counters.settle([{ ...tokens, key: "unknown" }], taken, [4]);
    assert.deepEqual(await stateOf("unknown", "bucket"), { since: NOON + DAY_MS, amount: 2 });
  });

  test("a limit that only reports does not get back what it never gave", async () => {
    const { counters, stateOf } = await open();
    const reported = dimension("reported", { limit: 1, reportOnly: true });
    await counters.take([reported], true);
    await counters.giveBack([reported], await counters.take([reported], true));
    assert.equal((await stateOf("reported", "window"))?.amount, 1);
  });
}
