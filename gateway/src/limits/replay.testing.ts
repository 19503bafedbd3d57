import assert from "node:assert/strict";
import { DAY_MS } from "../lib/clock.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import { dimension, type Subject } from "./counters.contract.ts";
import type { Dimension, Shape, Strike, Taken } from "./limit.ts";

export type Move =
  | { readonly kind: "advance" | "step"; readonly ms: number }
  | { readonly kind: "take"; readonly dimensions: readonly Dimension[]; readonly commit: boolean }
  /** Of the decisions made so far the last (1), the one before it (2), and so on; perhaps once more. */
  | { readonly kind: "giveBack"; readonly ago: number }
  | { readonly kind: "settle"; readonly ago: number; readonly costs: readonly number[] }
  | { readonly kind: "renew"; readonly ago: number }
  | { readonly kind: "seed"; readonly dimension: Dimension; readonly used: number }
  | { readonly kind: "raise"; readonly key: string; readonly epoch: number }
  | { readonly kind: "strike"; readonly strike: Strike }
  | { readonly kind: "reset"; readonly keys: readonly string[] };

/** A decision that was to be written, allowed or not. */
export type Decision = { readonly dimensions: readonly Dimension[]; readonly taken: Taken };

/** Plays the same random calls on both sides and compares every answer and every state; returns how many were played. */
export async function sameDecisions(
  a: Subject,
  b: Subject,
  seed: number,
  operations: number,
): Promise<number> {
  const decisions: readonly [Decision[], Decision[]] = [[], []];
  let played = 0;
  let latest = a.clock.now();
  for (const move of randomSteps(seed, operations)) {
    const where = `seed ${seed}, step ${played}: ${JSON.stringify(move)}`;
    const touched = touchedBy(move, decisions[0]);
    const [left, right] = [await play(a, move, decisions[0]), await play(b, move, decisions[1])];
    assert.deepStrictEqual(left, right, where);
    for (const { key, shape } of touched) {
      assert.deepStrictEqual(await a.stateOf(key, shape), await b.stateOf(key, shape), where);
    }
    latest = Math.max(latest, a.clock.now());
    if (a.clock.now() > latest - DAY_MS) {
      assert.deepStrictEqual(await a.counters.holds(), await b.counters.holds(), where);
    }
    played++;
  }
  return played;
}

type Place = Pick<Dimension, "key" | "shape">;

function touchedBy(move: Move, decisions: readonly Decision[]): readonly Place[] {
  switch (move.kind) {
    case "take":
      return move.dimensions;
    case "giveBack":
    case "settle":
    case "renew":
      return decisions.at(-move.ago)?.dimensions ?? [];
    case "seed":
      return [move.dimension];
    case "strike":
      return [
        { key: move.strike.windowKey, shape: "window" },
        { key: move.strike.holdKey, shape: "hold" },
      ];
    default:
      return [];
  }
}

/** `decisions` grows by what this move decides. */
export async function play(
  { counters, clock }: Pick<Subject, "counters" | "clock">,
  move: Move,
  decisions: Decision[],
): Promise<unknown> {
  switch (move.kind) {
    case "advance":
      return clock.advance(move.ms);
    case "step":
      return clock.step(move.ms);
    case "seed":
      return await counters.seed(move.dimension, move.used);
    case "raise":
      return await counters.raiseEpoch(move.key, move.epoch);
    case "strike":
      return await counters.strike(move.strike);
    case "reset":
      return await counters.reset(move.keys);
    case "take": {
      const taken = await counters.take(move.dimensions, move.commit);
      if (move.commit) decisions.push({ dimensions: move.dimensions, taken });
      return taken;
    }
  }
  const decision = decisions.at(-move.ago);
  if (decision === undefined) return undefined;
  const { dimensions, taken } = decision;
  if (move.kind === "giveBack") return await counters.giveBack(dimensions, taken);
  if (move.kind === "settle") return await counters.settle(dimensions, taken, move.costs);
  const lease = dimensions.find(({ shape }) => shape === "lease");
  return lease && (await counters.renew(lease));
}

const HUGE = Number.MAX_SAFE_INTEGER;
const windows: Readonly<Record<Shape, readonly number[]>> = {
  window: [1, 7, 1_000, 60_000, HUGE],
  aligned: [1, 7, 1_000, 60_000, HUGE],
  sliding: [1, 7, 1_000, 60_000, 60_000, HUGE],
  dailyQuota: [1_000, DAY_MS],
  bucket: [1, 999, 60_000, HUGE],
  lease: [1, 500, 20_000, HUGE],
  hold: [1],
  epoch: [1],
};
const shapes = Object.keys(windows) as readonly Shape[];

/** Few subjects and small numbers, so that limits are met all the time; limits change, some are 0, some costs too large. */
export function* randomSteps(seed: number, operations: number): Generator<Move> {
  const chance = seededChance(seed);
  const upTo = (most: number): number => Math.floor(fraction(chance) * (most + 1));
  const oneOf = <T>(values: readonly T[]): T => values[upTo(values.length - 1)]!;
  const random = (shape: Shape): Dimension =>
    dimension(`${shape}-${upTo(3)}`, {
      shape,
      limit: shape === "epoch" ? 50 + upTo(50) : oneOf([0, 1, 2, 3, 5, 7, 20, 1_000_003, HUGE]),
      windowMs: oneOf(windows[shape]),
      cost: shape === "lease" ? oneOf([0, 1, 1, 1]) : oneOf([0, 1, 1, 1, 1, 2, 3, 30, HUGE]),
      capacity: oneOf([0, 1, 3, 10, 60, 1_000_003, HUGE]),
      ...(shape === "lease" ? { lease: `call-${upTo(30)}` } : {}),
      ...(upTo(7) === 0 ? { reportOnly: true } : {}),
    });
  const strike = (): Strike => {
    const subject = upTo(3);
    const keys = { windowKey: `strikes-${subject}`, holdKey: `hold-${subject}` };
    const rule = { threshold: upTo(4), windowMs: oneOf([7, 1_000, 60_000]) };
    return { ...keys, ...rule, baseMs: oneOf([1, 500, 60_000, HUGE]), capMs: oneOf([900, 3_600_000, HUGE]) };
  };
  for (let played = 0; played < operations; played++) {
    const dice = fraction(chance);
    if (dice < 0.12) yield { kind: "advance", ms: oneOf([1, 3, 17, 500, 999, 20_000, 3_600_000, DAY_MS]) };
    else if (dice < 0.2)
      yield { kind: "step", ms: oneOf([-1, -400, -1_001, -59_999, -61_000, -DAY_MS, 1, 70_000, DAY_MS]) };
    else if (dice < 0.26) yield { kind: "seed", dimension: random("dailyQuota"), used: upTo(6) };
    else if (dice < 0.28) yield { kind: "raise", key: `epoch-${upTo(3)}`, epoch: 20 + upTo(50) };
    else if (dice < 0.33) yield { kind: "giveBack", ago: 1 + upTo(9) };
    else if (dice < 0.43) {
      const costs = Array.from({ length: 10 }, () => oneOf([0, 1, 1, 2, 5, 30, HUGE]));
      yield { kind: "settle", ago: 1 + upTo(9), costs };
    } else if (dice < 0.47) yield { kind: "renew", ago: 1 + upTo(5) };
    else if (dice < 0.56) yield { kind: "strike", strike: strike() };
    else if (dice < 0.58) {
      yield { kind: "reset", keys: [`${oneOf(shapes)}-${upTo(3)}`, `hold-${upTo(3)}`, `strikes-${upTo(3)}`] };
    } else {
      const dimensions = shapes.flatMap((shape) => (upTo(1) > 0 ? [random(shape)] : []));
      if (upTo(3) === 0) dimensions.push({ ...random("bucket"), key: "bucket-second" });
      if (upTo(3) === 0) dimensions.push({ ...random("lease"), key: "lease-second" });
      yield { kind: "take", dimensions, commit: upTo(9) > 0 };
    }
  }
}
