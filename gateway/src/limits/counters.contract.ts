import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, type VirtualClock } from "../lib/clock.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import type { Counters, Dimension, Shape, Taken } from "./limit.ts";
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

  test("one hundred calls at once on a limit of 20: exactly 20 pass", async () => {
    const { counters } = await open();
    const limits = [
      dimension("user", { limit: 20 }),
      dimension("key", { shape: "bucket", limit: 30, capacity: 30 }),
    ];
    const taken = await Promise.all(Array.from({ length: 100 }, () => counters.take(limits, true)));
    assert.equal(taken.filter(({ allowed }) => allowed).length, 20);
  });

  test("a refused decision leaves what is stored as it was, byte for byte", async () => {
    const subject = await open();
    const { snapshot } = subject;
    const decisions: Decision[] = [];
    let refusals = 0;
    for (const step of randomSteps(7, 3_000)) {
      if (step.kind !== "take") {
        await play(subject, step, decisions);
        continue;
      }
      const keys = step.dimensions.map(({ key }) => key);
      const before = await snapshot(keys);
      const taken = await play(subject, step, decisions);
      if (taken?.allowed && step.commit) continue;
      refusals++;
      assert.equal(await snapshot(keys), before);
    }
    assert.ok(refusals > 500, `only ${refusals} refusals`);
  });
}

/** Plays the same random calls on both sides and compares every answer and every state; returns how many were played. */
export async function sameDecisions(
  a: Subject,
  b: Subject,
  seed: number,
  operations: number,
): Promise<number> {
  const decisions: readonly [Decision[], Decision[]] = [[], []];
  let played = 0;
  for (const step of randomSteps(seed, operations)) {
    const where = `seed ${seed}, step ${played}: ${JSON.stringify(step)}`;
    const touched = dimensionsOf(step, decisions[0]);
    const [left, right] = [await play(a, step, decisions[0]), await play(b, step, decisions[1])];
    assert.deepStrictEqual(left, right, where);
    for (const { key, shape } of touched) {
      assert.deepStrictEqual(await a.stateOf(key, shape), await b.stateOf(key, shape), where);
    }
    played++;
  }
  return played;
}

export const NOON = Date.UTC(2026, 0, 1, 12);

type Move =
  | { readonly kind: "advance" | "step"; readonly ms: number }
  | { readonly kind: "take"; readonly dimensions: readonly Dimension[]; readonly commit: boolean }
  /** Of the decisions made so far the last (1), the one before it (2), and so on; perhaps once more. */
  | { readonly kind: "giveBack"; readonly ago: number }
  | { readonly kind: "seed"; readonly dimension: Dimension; readonly used: number }
  | { readonly kind: "raise"; readonly key: string; readonly epoch: number };

/** A decision that was to be written, allowed or not. */
type Decision = { readonly dimensions: readonly Dimension[]; readonly taken: Taken };

function dimensionsOf(move: Move, decisions: readonly Decision[]): readonly Dimension[] {
  if (move.kind === "take") return move.dimensions;
  return (move.kind === "giveBack" && decisions.at(-move.ago)?.dimensions) || [];
}

/** `decisions` grows by what this move decides. */
async function play(
  { counters, clock }: Pick<Subject, "counters" | "clock">,
  move: Move,
  decisions: Decision[],
): Promise<Taken | undefined> {
  switch (move.kind) {
    case "advance":
      clock.advance(move.ms);
      return undefined;
    case "step":
      clock.step(move.ms);
      return undefined;
    case "seed":
      await counters.seed(move.dimension, move.used);
      return undefined;
    case "raise":
      await counters.raiseEpoch(move.key, move.epoch);
      return undefined;
    case "giveBack": {
      const decision = decisions.at(-move.ago);
      if (decision !== undefined) await counters.giveBack(decision.dimensions, decision.taken);
      return undefined;
    }
    case "take": {
      const taken = await counters.take(move.dimensions, move.commit);
      if (move.commit) decisions.push({ dimensions: move.dimensions, taken });
      return taken;
    }
  }
}

/** Few subjects and small numbers, so that limits are met all the time; limits change, some are 0, some costs too large. */
function* randomSteps(seed: number, operations: number): Generator<Move> {
  const chance = seededChance(seed);
  const upTo = (most: number): number => Math.floor(fraction(chance) * (most + 1));
  const oneOf = <T>(values: readonly T[]): T => values[upTo(values.length - 1)]!;
  const windows = {
    window: [1, 7, 1_000, 60_000],
    dailyQuota: [1_000, DAY_MS],
    bucket: [1, 999, 60_000],
    epoch: [1],
  };
  const random = (shape: Shape): Dimension =>
    dimension(`${shape}-${upTo(3)}`, {
      shape,
      limit: shape === "epoch" ? 50 + upTo(50) : oneOf([0, 1, 2, 3, 5, 7, 20, 1_000_003]),
      windowMs: oneOf(windows[shape]),
      cost: oneOf([0, 1, 1, 1, 1, 2, 3, 30]),
      capacity: oneOf([0, 1, 3, 10, 60, 1_000_003]),
    });
  for (let played = 0; played < operations; played++) {
    const dice = fraction(chance);
    if (dice < 0.12) yield { kind: "advance", ms: oneOf([1, 3, 17, 500, 999, 20_000, 3_600_000]) };
    else if (dice < 0.2)
      yield { kind: "step", ms: oneOf([-1, -400, -1_001, -59_999, -61_000, -DAY_MS, 1, 70_000, DAY_MS]) };
    else if (dice < 0.28) yield { kind: "seed", dimension: random("dailyQuota"), used: upTo(6) };
    else if (dice < 0.3) yield { kind: "raise", key: `epoch-${upTo(3)}`, epoch: 20 + upTo(50) };
    else if (dice < 0.4) yield { kind: "giveBack", ago: 1 + upTo(9) };
    else {
      const shapes: readonly Shape[] = ["window", "bucket", "dailyQuota", "epoch"];
      const dimensions = shapes.flatMap((shape) => (upTo(2) > 0 ? [random(shape)] : []));
      if (upTo(3) === 0) dimensions.push({ ...random("bucket"), key: "bucket-second" });
      yield { kind: "take", dimensions, commit: upTo(9) > 0 };
    }
  }
}

export function dimension(key: string, changes: Partial<Dimension> = {}): Dimension {
  const base = { id: key, shape: "window", key, limit: 3, windowMs: 60_000, cost: 1, capacity: 0 } as const;
  return { ...base, ...changes };
}
