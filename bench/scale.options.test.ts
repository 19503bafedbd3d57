import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScaleOptions } from "./scale.options.ts";

test("ledgers are compared from the smallest on, each once", () => {
  assert.deepEqual(parseScaleOptions(["--rows", "1000000,10000,10000", "--rounds", "3"]), {
    rows: [10_000, 1_000_000],
    rounds: 3,
    seconds: 1,
  });
});

test("ten million rows are left out unless they are asked for", () => {
  assert.deepEqual(parseScaleOptions([]).rows, [10_000, 1_000_000]);
});

test("what is no number of rows is refused before anything starts", () => {
  for (const rows of ["", "0", "1e99", "-1", "10.5", "many", "10000,"]) {
    assert.throws(() => parseScaleOptions([`--rows=${rows}`]), /--rows takes whole numbers/, rows);
  }
});
