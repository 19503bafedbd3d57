import assert from "node:assert/strict";
import { test } from "node:test";
import { dearestInput, ratesFrom, ratesJson } from "./rates.ts";

test("a rate is exact from the price list on", () => {
  assert.deepEqual(ratesFrom({ input: "0.075", cachedInput: "0.0075", output: "3e-1" }), {
    input: 75_000n,
    cachedInput: 7_500n,
    cacheWrite5m: 75_000n,
    cacheWrite1h: 75_000n,
    output: 300_000n,
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

test("the dearest input is the most that one token can cost", () => {
  assert.equal(dearestInput(ratesFrom({ input: "3", cachedInput: "0.3", output: "15" })), 3_000_000n);
  assert.equal(dearestInput(ratesFrom({ input: "3", cacheWrite1h: "6", output: "15" })), 6_000_000n);
  assert.equal(dearestInput(ratesFrom({ input: "3", cachedInput: "4", output: "15" })), 4_000_000n);
});

test("the ledger keeps rates as decimal digits", () => {
  assert.deepEqual(ratesJson(ratesFrom({ input: "0.59", output: "0.79" })), {
    input: "590000",
    cachedInput: "590000",
    cacheWrite5m: "590000",
    cacheWrite1h: "590000",
    output: "790000",
  });
});
