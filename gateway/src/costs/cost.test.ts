import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PICO_PER_USD, picoFromUsd } from "../lib/money.ts";
import { costOf } from "./cost.ts";
import { type RatesPerMillion, ratesFrom } from "./rates.ts";
import { usageOf } from "./testing.ts";
import type { Usage } from "./usage.ts";

const sonnet = ratesFrom({
  input: "3",
  cachedInput: "0.30",
  cacheWrite5m: "3.75",
  cacheWrite1h: "6",
  output: "15",
});

test("cached input is charged at its own rate and not twice", () => {
  const cost = costOf(usageOf({ input: 1_000, cacheRead: 600, output: 100 }), sonnet);
  assert.equal(cost, picoFromUsd("0.00288")); // 400 × 3 + 600 × 0.30 + 100 × 15, per million
});

test("cache writes are charged by how long they are kept", () => {
  const usage = usageOf({ input: 1_000, cacheRead: 100, cacheWrite5m: 200, cacheWrite1h: 300, output: 10 });
  assert.equal(costOf(usage, sonnet), picoFromUsd("0.00393")); // 400 × 3 + 100 × 0.30 + 200 × 3.75 + 300 × 6 + 10 × 15
});

test("reasoning is part of the output and costs nothing besides", () => {
  assert.equal(
    costOf(usageOf({ output: 100, reasoning: 90 }), sonnet),
    costOf(usageOf({ output: 100 }), sonnet),
  );
});

test("more cached input than input never makes a call cheaper than its cached part", () => {
  assert.equal(costOf(usageOf({ input: 10, cacheRead: 1_000 }), sonnet), picoFromUsd("0.0003"));
});

test("nothing used costs nothing", () => {
  assert.equal(costOf(usageOf({}), sonnet), 0n);
});

const decimal = fc
  .tuple(fc.nat(1_000), fc.nat(999_999), fc.integer({ min: 0, max: 6 }))
  .map(
    ([whole, decimals, places]) =>
      `${whole}.${String(decimals).padStart(6, "0").slice(0, Math.max(1, places))}`,
  );
const count = fc.nat(2_000_000_000);
const partsOf = fc.record({ plain: count, read: count, write5m: count, write1h: count, output: count });
const lists = fc.record({
  input: decimal,
  cachedInput: decimal,
  cacheWrite5m: decimal,
  cacheWrite1h: decimal,
  output: decimal,
});

test("a cost equals the sum of fractions that the price list prints, to the last pico-dollar", () => {
  fc.assert(
    fc.property(partsOf, lists, (parts, list) => {
      const usage: Usage = {
        input: parts.plain + parts.read + parts.write5m + parts.write1h,
        cacheRead: parts.read,
        cacheWrite5m: parts.write5m,
        cacheWrite1h: parts.write1h,
        output: parts.output,
        reasoning: 0,
      };
      const [numerator, denominator] = fractionOfUsd(parts, list);
      assert.equal(costOf(usage, ratesFrom(list)) * denominator, numerator * PICO_PER_USD);
    }),
    { numRuns: 2_000 },
  );
});

/** The same cost as a fraction of USD, computed from the printed decimals without pico-dollars. */
function fractionOfUsd(
  parts: { plain: number; read: number; write5m: number; write1h: number; output: number },
  list: Required<RatesPerMillion>,
): readonly [bigint, bigint] {
  const terms: readonly (readonly [number, string])[] = [
    [parts.plain, list.input],
    [parts.read, list.cachedInput ?? ""],
    [parts.write5m, list.cacheWrite5m ?? ""],
    [parts.write1h, list.cacheWrite1h ?? ""],
    [parts.output, list.output],
  ];
  let sum: readonly [bigint, bigint] = [0n, 1n];
  for (const [tokens, text] of terms) {
    const [whole, decimals] = text.split(".") as [string, string];
    const denominator = BigInt(`1${"0".repeat(decimals.length)}000000`);
    const numerator =
      BigInt(tokens) * (BigInt(whole) * BigInt(`1${"0".repeat(decimals.length)}`) + BigInt(decimals));
    sum = [sum[0] * denominator + numerator * sum[1], sum[1] * denominator];
  }
  return sum;
}
