import assert from "node:assert/strict";
import { test } from "node:test";
import { quantile, spreadOf } from "./statistics.ts";

test("a spread tells the median and both ends of unsorted values", () => {
  assert.deepEqual(spreadOf([9, 1, 4]), { median: 4, min: 1, max: 9, count: 3 });
  assert.deepEqual(spreadOf([10, 2, 4, 6])?.median, 5);
});

test("what was not measured is no part of a spread", () => {
  assert.deepEqual(spreadOf([undefined, Number.NaN, 7]), { median: 7, min: 7, max: 7, count: 1 });
  assert.equal(spreadOf([undefined]), undefined);
});

test("a quantile lies between its neighbours, and there is none of nothing", () => {
  assert.equal(quantile([0, 100], 0.99), 99);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});
