import assert from "node:assert/strict";
import { test } from "node:test";
import { dearest, ratesAt, ratesFrom, ratesJson } from "./rates.ts";

test("a rate is exact from the price list on", () => {
  assert.deepEqual(ratesFrom({ input: "0.075", cachedInput: "0.0075", output: "3e-1" }), {
    input: 75_000n,
    cachedInput: 7_500n,
    cacheWrite5m: 75_000n,
    cacheWrite1h: 75_000n,
    output: 300_000n,
    tiers: [],
  });
});

test("a kind of input without a rate is charged as the kind it belongs to", () => {
  const rates = ratesFrom({ input: "3", cacheWrite5m: "3.75", output: "15" });
  assert.equal(rates.cachedInput, 3_000_000n);
  assert.equal(rates.cacheWrite1h, 3_750_000n);
  assert.equal(ratesFrom({ input: "3", cacheWrite1h: "6", output: "15" }).cacheWrite5m, 3_000_000n);
});

test("a rate that is negative or no number is refused", () => {
  assert.throws(() => ratesFrom({ input: "-1", output: "1" }), RangeError);
  assert.throws(() => ratesFrom({ input: "1", output: "cheap" }), RangeError);
});

const tiered = ratesFrom({
  input: "3",
  cachedInput: "0.3",
  output: "15",
  tiers: [
    { aboveInput: 500_000, input: "7", output: "40" },
    { aboveInput: 200_000, input: "6", cachedInput: "0.6", cacheWrite1h: "12", output: "22.5" },
  ],
});

test("a call of more input than a threshold has the tier's rates, and one of just as much has not", () => {
  assert.equal(ratesAt(tiered, 200_000).input, 3_000_000n);
  assert.equal(ratesAt(tiered, 200_001).input, 6_000_000n);
  assert.equal(ratesAt(tiered, 500_000).output, 22_500_000n);
  assert.equal(ratesAt(tiered, 500_001).output, 40_000_000n);
  assert.equal(ratesAt(tiered, 500_001).cachedInput, 7_000_000n);
});

test("the dearest rates are the most that one token of a call can cost", () => {
  const input = (list: Parameters<typeof ratesFrom>[0]) => dearest(ratesFrom(list)).input;
  assert.equal(input({ input: "3", cachedInput: "0.3", output: "15" }), 3_000_000n);
  assert.equal(input({ input: "3", cacheWrite1h: "6", output: "15" }), 6_000_000n);
  assert.equal(input({ input: "3", cachedInput: "4", output: "15" }), 4_000_000n);
  assert.deepEqual(dearest(tiered, 200_000), { input: 3_000_000n, output: 15_000_000n });
  assert.deepEqual(dearest(tiered, 200_001), { input: 12_000_000n, output: 22_500_000n });
  assert.deepEqual(dearest(tiered), { input: 12_000_000n, output: 40_000_000n });
});

test("the ledger keeps rates as decimal digits", () => {
  const digits = {
    input: "590000",
    cachedInput: "590000",
    cacheWrite5m: "590000",
    cacheWrite1h: "590000",
    output: "790000",
  };
  assert.deepEqual(ratesJson(ratesFrom({ input: "0.59", output: "0.79" })), digits);
  const tier = { aboveInput: 128_000, input: "0.59", output: "0.79" };
  assert.deepEqual(ratesJson(ratesFrom({ input: "0.59", output: "0.79", tiers: [tier] })), {
    ...digits,
    tiers: [{ ...digits, aboveInput: 128_000 }],
  });
});
