import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PICO_PER_USD, picoFromUsd } from "../lib/money.ts";
import { costOf } from "./cost.ts";
import { dearest, ratesFrom } from "./rates.ts";
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
const list = {
  input: decimal,
  cachedInput: decimal,
  cacheWrite5m: decimal,
  cacheWrite1h: decimal,
  output: decimal,
};
const lists = fc.record({
  ...list,
  tiers: fc.uniqueArray(fc.record({ aboveInput: fc.nat(4_000_000_000), ...list }), {
    maxLength: 3,
    selector: ({ aboveInput }) => aboveInput,
  }),
});
type List = typeof lists extends fc.Arbitrary<infer T> ? T : never;

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

test("above a threshold the whole call is charged at the tier, from its first token on and its output too", () => {
  const rates = ratesFrom({
    input: "1.25",
    cachedInput: "0.125",
    output: "10",
    tiers: [{ aboveInput: 200_000, input: "2.50", cachedInput: "0.25", output: "15" }],
  });
  const at = (input: number) => costOf(usageOf({ input, cacheRead: 150_000, output: 1_000 }), rates);
  assert.equal(at(200_000), picoFromUsd("0.09125")); // 50,000 × 1.25 + 150,000 × 0.125 + 1,000 × 10
  assert.equal(at(200_001), picoFromUsd("0.1775025")); // 50,001 × 2.50 + 150,000 × 0.25 + 1,000 × 15
});

test("no call costs more than its tokens at the dearest rates that they can have", () => {
  fc.assert(
    fc.property(partsOf, lists, fc.nat(1_000_000), (parts, list, unused) => {
      const { read: cacheRead, write5m: cacheWrite5m, write1h: cacheWrite1h, output } = parts;
      const input = parts.plain + cacheRead + cacheWrite5m + cacheWrite1h;
      const rates = ratesFrom(list);
      const most = dearest(rates, input + unused);
      const bound = BigInt(input + unused) * most.input + BigInt(output) * most.output;
      assert.ok(
        costOf({ input, cacheRead, cacheWrite5m, cacheWrite1h, output, reasoning: 0 }, rates) <= bound,
      );
    }),
    { numRuns: 2_000 },
  );
});

/** The same cost as a fraction of USD, computed from the printed decimals without pico-dollars. */
function fractionOfUsd(
  parts: { plain: number; read: number; write5m: number; write1h: number; output: number },
  { tiers, ...base }: List,
): readonly [bigint, bigint] {
  const input = parts.plain + parts.read + parts.write5m + parts.write1h;
  let list: Omit<List, "tiers"> & { aboveInput?: number } = base;
  for (const tier of tiers) {
    if (input > tier.aboveInput && tier.aboveInput >= (list.aboveInput ?? 0)) list = tier;
  }
  const terms: readonly (readonly [number, string])[] = [
    [parts.plain, list.input],
    [parts.read, list.cachedInput],
    [parts.write5m, list.cacheWrite5m],
    [parts.write1h, list.cacheWrite1h],
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
