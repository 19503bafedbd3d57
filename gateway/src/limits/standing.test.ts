import assert from "node:assert/strict";
import { test } from "node:test";
import { type Standing, standingsOf, tightestOf } from "./standing.ts";

function standing(id: string, limit: number, remaining: number, windowMs = 60_000): Standing {
  return { id, unit: "requests", limit, remaining, resetMs: 1_000, windowMs, now: 0 };
}

test("the tightest limit has the smallest share left", () => {
  assert.equal(tightestOf([standing("a", 10, 5), standing("b", 100, 40), standing("c", 10, 6)])?.id, "b");
});

test("of equally tight limits the one with the shortest window counts", () => {
  assert.equal(tightestOf([standing("day", 10, 5, 86_400_000), standing("minute", 2, 1)])?.id, "minute");
  assert.equal(tightestOf([standing("first", 10, 5), standing("second", 2, 1)])?.id, "first");
});

test("nothing is tighter than a limit of 0, and no limits have no tightest", () => {
  assert.equal(tightestOf([standing("a", 10, 1), standing("none", 0, 0)])?.id, "none");
  assert.equal(tightestOf([]), undefined);
});

test("a standing says what it counts", () => {
  const fits = { verdict: "fits", remaining: 9, resetMs: 0, retryMs: 0 } as const;
  const dimension = { key: "k", limit: 10, windowMs: 60_000, cost: 1, capacity: 10 } as const;
  const dimensions = [
    { ...dimension, id: "user-day", shape: "dailyQuota" },
    { ...dimension, id: "user-tokens-minute", shape: "bucket" },
    { ...dimension, id: "key-tokens-minute", shape: "bucket" },
    { ...dimension, id: "key-parallel", shape: "lease", lease: "1" },
  ] as const;
  const taken = { allowed: true, now: 0, judgements: dimensions.map(() => fits) };
  assert.deepEqual(
    standingsOf(dimensions, taken).map(({ unit }) => unit),
    ["requests", "tokens", "tokens", "calls"],
  );
});

test("a bucket whose burst is above its rate is told as its burst, and how long that takes to fill", () => {
  const bucket = {
    id: "key-minute",
    shape: "bucket",
    key: "k",
    limit: 10,
    windowMs: 60_000,
    cost: 1,
  } as const;
  const taken = (remaining: number) => ({
    ...{ allowed: true, now: 0 },
    judgements: [{ verdict: "fits", remaining, resetMs: 6_000, retryMs: 0 } as const],
  });
  const [large] = standingsOf([{ ...bucket, capacity: 40 }], taken(39));
  assert.deepEqual([large?.limit, large?.remaining, large?.windowMs], [40, 39, 240_000]);
  const [small] = standingsOf([{ ...bucket, capacity: 2 }], taken(1));
  assert.deepEqual([small?.limit, small?.remaining, small?.windowMs], [10, 1, 60_000]);
});
