import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, type VirtualClock } from "../lib/clock.ts";
import type { Counters, Dimension, Shape, Taken } from "./limit.ts";
import { type Decision, play, randomSteps } from "./replay.testing.ts";
import type { State } from "./shapes.ts";

/** Counters under a clock that a test moves, and a look at what they have stored. */
export type Subject = {
  readonly counters: Counters;
  readonly clock: VirtualClock;
  readonly stateOf: (key: string, shape: Shape) => Promise<State | undefined>;
  /** Everything the store knows about these keys, expiry included, as one text. */
  readonly snapshot: (keys: readonly string[]) => Promise<string>;
};

/** What memory and Redis both promise. `open` gives empty counters at `NOON`. */
export function countersContract(open: () => Promise<Subject>): void {
  test("all limits of a call are taken together or not at all", async () => {
    const { counters, stateOf } = await open();
    const user = dimension("user", { limit: 1 });
    const key = dimension("key", { shape: "bucket", limit: 5, capacity: 5 });
    assert.equal((await counters.take([user, key], true)).allowed, true);
    const refused = await counters.take([key, user], true);
    assert.equal(refused.allowed, false);
    assert.deepEqual(
      refused.judgements.map(({ verdict }) => verdict),
      ["fits", "exceeded"],
    );
    assert.deepEqual(await stateOf("user", "window"), { since: NOON, amount: 1 });
    assert.deepEqual(await stateOf("key", "bucket"), { since: NOON, amount: 4 });
  });

  test("a peek judges and takes nothing", async () => {
    const { counters, stateOf } = await open();
    const peeked = await counters.take([dimension("user")], false);
    assert.equal(peeked.judgements[0]?.remaining, 2);
    assert.equal(await stateOf("user", "window"), undefined);
  });

  test("the decision tells its own time", async () => {
    const { counters, clock } = await open();
    clock.advance(1_234);
    assert.equal((await counters.take([], true)).now, NOON + 1_234);
  });

  test("a daily quota that lost its state is seeded, and concurrent seeds keep the larger count", async () => {
    const { counters } = await open();
    const quota = dimension("quota", { shape: "dailyQuota", limit: 9, windowMs: DAY_MS });
    const unseeded = await counters.take([quota], true);
    assert.deepEqual([unseeded.allowed, unseeded.judgements[0]?.verdict], [false, "unseeded"]);
    await Promise.all([counters.seed(quota, 5), counters.seed(quota, 7), counters.seed(quota, 6)]);
    assert.equal((await counters.take([quota], true)).judgements[0]?.remaining, 1);
  });

  test("an epoch only grows", async () => {
    const { counters } = await open();
    const fence = dimension("epoch", { shape: "epoch", limit: 4 });
    const stored = async () => (await counters.take([fence], true)).judgements[0];
    assert.equal((await stored())?.remaining, -1);
    await counters.raiseEpoch("epoch", 4);
    await counters.raiseEpoch("epoch", 3);
    assert.deepEqual(await stored(), { verdict: "fits", remaining: 4, resetMs: 0, retryMs: 0 });
    await counters.raiseEpoch("epoch", 5);
    assert.equal((await stored())?.verdict, "stale");
  });

  test("one hundred calls at once on a limit of 20: exactly 20 pass", async () => {
    const { counters } = await open();
    const limits = [
      dimension("user", { limit: 20 }),
      dimension("key", { shape: "bucket", limit: 30, capacity: 30 }),
    ];
    const taken = await Promise.all(Array.from({ length: 100 }, () => counters.take(limits, true)));
    assert.equal(taken.filter(({ allowed }) => allowed).length, 20);
  });

  test("a limit that only reports refuses nobody, and takes only where it fits", async () => {
    const { counters, stateOf } = await open();
    const enforced = dimension("enforced", { limit: 3 });
    const reported = dimension("reported", { limit: 1, reportOnly: true });
    const verdicts: string[] = [];
    for (let i = 0; i < 4; i++) {
      const { allowed, judgements } = await counters.take([enforced, reported], true);
      verdicts.push(`${allowed} ${judgements[1]!.verdict}`);
    }
    assert.deepEqual(verdicts, ["true fits", "true exceeded", "true exceeded", "false exceeded"]);
    assert.equal((await stateOf("reported", "window"))?.amount, 1);
  });

  test("a cost of 0 tells what is left and takes nothing", async () => {
    const { counters } = await open();
    const limits = (["window", "aligned", "sliding", "bucket", "lease"] as const).map((shape) =>
      dimension(shape, { shape, limit: 3, capacity: 3, lease: "call" }),
    );
    await counters.take(limits, true);
    const looks = limits.map((limit) => ({ ...limit, cost: 0 }));
    for (let i = 0; i < 2; i++) {
      const { judgements } = await counters.take(looks, i === 0);
      assert.deepEqual(
        judgements.map(({ remaining }) => remaining),
        [2, 2, 2, 2, 2],
      );
    }
  });

  test("while the clock is back before its window a sliding limit weighs the one before whole, and no more", async () => {
    const { counters, clock } = await open();
    const slide = dimension("slide", { shape: "sliding", limit: 9, cost: 4 });
    await counters.take([slide], true);
    clock.advance(60_000);
    await counters.take([slide], true);
    clock.step(-30_000);
    const { judgements } = await counters.take([slide], true);
    assert.deepEqual(judgements, [
      { verdict: "exceeded", remaining: 1, resetMs: 90_000, retryMs: 30_000 + 30_001 },
    ]);
  });

  test("what is reset is as if it had never been", async () => {
    const { counters, stateOf } = await open();
    const limits = [dimension("user", { limit: 1 }), dimension("other")];
    await counters.take(limits, true);
    await counters.reset(["user", "unknown"]);
    assert.equal(await stateOf("user", "window"), undefined);
    assert.equal((await counters.take(limits, true)).allowed, true);
    await counters.reset([]);
    assert.equal((await stateOf("other", "window"))?.amount, 2);
  });

  test("a refused decision leaves what is stored as it was, byte for byte", async () => {
    const subject = await open();
    const { snapshot } = subject;
    const decisions: Decision[] = [];
    let refusals = 0;
    for (const step of randomSteps(7, 6_000)) {
      if (step.kind !== "take") {
        await play(subject, step, decisions);
        continue;
      }
      const keys = step.dimensions.map(({ key }) => key);
      const before = await snapshot(keys);
      const taken = await play(subject, step, decisions);
      if ((taken as Taken).allowed && step.commit) continue;
      refusals++;
      assert.equal(await snapshot(keys), before);
    }
    assert.ok(refusals >= 1_000, `only ${refusals} refusals`);
  });
}

export const NOON = Date.UTC(2026, 0, 1, 12);

export function dimension(key: string, changes: Partial<Dimension> = {}): Dimension {
  const base = { id: key, shape: "window", key, limit: 3, windowMs: 60_000, cost: 1, capacity: 0 } as const;
  return { ...base, ...changes };
}
