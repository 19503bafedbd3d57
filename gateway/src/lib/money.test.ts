import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { picoFromUsd, picoPerTokenFromUsdPerMillion, scaled, usdNumber, usdText } from "./money.ts";

const digits = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength, maxLength });

test("a decimal text becomes exactly the integer it says", () => {
  const decimal = fc.record({
    sign: fc.constantFrom("", "-", "+"),
    whole: digits(1, 12),
    decimals: digits(0, 12),
    exponent: fc.integer({ min: -12, max: 12 }),
  });
  fc.assert(
    fc.property(decimal, ({ sign, whole, decimals, exponent }) => {
      const text = `${sign}${whole}${decimals === "" ? "" : `.${decimals}`}e${exponent}`;
      // With 24 places nothing is left to round: the digits, and as many zeros as the exponent asks for.
      const zeros = "0".repeat(24 + exponent - decimals.length);
      const expected = BigInt(whole + decimals + zeros) * (sign === "-" ? -1n : 1n);
      assert.equal(scaled(text, 24), expected);
    }),
  );
});

test("what does not fit is rounded half up, once", () => {
  for (const [text, shift, expected] of [
    ["0.4999999999999999999", 0, 0n],
    ["0.5", 0, 1n],
    ["1.5", 0, 2n],
    ["-0.5", 0, -1n],
    ["-0.49", 0, 0n],
    ["0.45", 0, 0n],
    ["0.0000000000005", 12, 1n],
    ["0.00000000000049", 12, 0n],
    ["4e-13", 12, 0n],
    ["1e-99", 12, 0n],
    ["1e99", 0, 10n ** 99n],
  ] as const) {
    assert.equal(scaled(text, shift), expected, `${text} × 10^${shift}`);
  }
});

test("published prices are whole numbers of pico-USD per token", () => {
  assert.equal(picoPerTokenFromUsdPerMillion("0.20"), 200_000n);
  assert.equal(picoPerTokenFromUsdPerMillion("0.075"), 75_000n);
  assert.equal(picoPerTokenFromUsdPerMillion("1e-6"), 1n);
  assert.equal(picoFromUsd(" 100.00 "), 100_000_000_000_000n);
});

test("money survives the way to text and back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), (pico) => {
      const text = usdText(pico);
      assert.equal(picoFromUsd(text), pico);
      assert.match(text, /^-?(0|[1-9]\d*)(\.\d{0,11}[1-9])?$/);
      assert.notEqual(text, "-0");
    }),
  );
});

test("the number shown is the double nearest to the exact amount", () => {
  assert.equal(usdNumber(100_000_000_000_000n), 100);
  assert.equal(usdNumber(1n), 1e-12);
  assert.equal(usdNumber(300_000_000_000n), 0.3);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 9 }), (cents) => {
      assert.equal(usdNumber(BigInt(cents) * 10_000_000_000n), cents / 100);
    }),
  );
});

test("what is not a finite decimal number is refused", () => {
  for (const text of [
    "",
    " ",
    "1,5",
    ".5",
    "1.",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "--1",
    "1e100",
    "1e",
    "٣",
  ]) {
    assert.throws(() => scaled(text, 12), RangeError, JSON.stringify(text));
  }
  assert.throws(() => scaled("9".repeat(31), 0), RangeError);
});
