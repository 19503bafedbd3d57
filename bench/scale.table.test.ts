import assert from "node:assert/strict";
import { test } from "node:test";
import { isAsExpected, isFlat, ratiosOf, scaleTable } from "./scale.table.ts";

test("a ratio is the median of the rounds' own, so that a slow round counts on both ledgers", () => {
  const rounds = [
    [1, 10, 2],
    [1.2, 13, 2.2],
  ];
  assert.deepEqual(ratiosOf({ name: "a report", better: "less", rounds }), [1, 1.2]);
});

test("of what is better the more of it there is, half as many per second are twice the cost", () => {
  const measured = { name: "pairs", better: "more", rounds: [[3_000], [1_500]] } as const;
  assert.deepEqual(ratiosOf(measured), [1, 2]);
  assert.equal(isFlat(measured), false);
});

test("flat ends at one and a half, included, and on every ledger", () => {
  const flatAt = (...values: number[]) =>
    isFlat({ name: "", better: "less", rounds: [[2], ...values.map((value) => [value])] });
  assert.deepEqual([flatAt(3, 1), flatAt(2, 3.1), flatAt(Number.NaN)], [true, false, false]);
});

test("what grows by its nature is no fault, and the table says with what it grows", () => {
  const measured = {
    name: "suggestions",
    better: "less",
    growsWith: "calls",
    rounds: [[1], [9]],
  } as const;
  assert.deepEqual([isFlat(measured), isAsExpected(measured)], [false, true]);
  assert.match(scaleTable([1, 2], [measured]), /grows with calls \|$/);
});

test("the table tells medians with their units, ratios and what grows", () => {
  const all = [
    { name: "pairs", better: "more", rounds: [[3_000], [2_900]] },
    { name: "a report", better: "less", rounds: [[1], [4]] },
  ] as const;
  assert.equal(
    scaleTable([10_000, 1_000_000], all),
    [
      "| on a ledger of | 10,000 rows | 1,000,000 rows | × at 1,000,000 | within 1.5 |",
      "|----------------|------------:|---------------:|---------------:|-----------:|",
      "| pairs          |    3,000 /s |       2,900 /s |           1.03 |       flat |",
      "| a report       |     1.00 ms |        4.00 ms |           4.00 |      grows |",
    ].join("\n"),
  );
});
