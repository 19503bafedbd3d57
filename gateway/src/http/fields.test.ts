import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { picoFromUsd, usdText } from "../lib/money.ts";
import { usdAmount } from "./fields.ts";

test("an amount of money is taken exactly, or refused", () => {
  for (const usd of [0, -0, 1e-12, 0.1, 100, 999_999.99, "0", "0.000001", "999999999999.999999999999"]) {
    assert.equal(usdAmount.parse(usd), picoFromUsd(String(usd)), String(usd));
  }
  for (const usd of [
    1e-13,
    1e-300,
    Number.MIN_VALUE,
    0.1234567890123,
    1e12,
    1e300,
    -1,
    "1e-7",
    "",
    "1.",
    " 1",
    null,
  ]) {
    assert.equal(usdAmount.safeParse(usd).success, false, String(usd));
  }
});

test("no number at all makes the check of an amount fail", () => {
  fc.assert(
    fc.property(fc.double(), (usd) => {
      const { success, data } = usdAmount.safeParse(usd);
      if (success) assert.equal(Number(usdText(data)), usd + 0);
    }),
    { numRuns: 5_000, seed: 20_261_122 },
  );
});
