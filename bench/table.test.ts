import assert from "node:assert/strict";
import { test } from "node:test";
import { figureText, markdownTable, spreadText } from "./table.ts";

test("the columns of a table line up", () => {
  const table = markdownTable(
    ["target", "req/s"],
    [
      ["bare", "20,077"],
      ["direct to the mock", "9"],
    ],
  );
  assert.equal(
    table,
    [
      "| target             |  req/s |",
      "|--------------------|-------:|",
      "| bare               | 20,077 |",
      "| direct to the mock |      9 |",
    ].join("\n"),
  );
});

test("figures keep about three digits, and what was not measured is a dash", () => {
  assert.deepEqual([0.014, 1.234, 47.61, 1331.4, -0.5, undefined, Number.NaN].map(figureText), [
    "0.01",
    "1.23",
    "47.6",
    "1,331",
    "-0.50",
    "–",
    "–",
  ]);
});

test("a spread is written as median and range, one measurement as itself", () => {
  assert.equal(spreadText({ median: 1.5, min: 1, max: 2, count: 3 }), "1.50 (1.00–2.00)");
  assert.equal(spreadText({ median: 1.5, min: 1.5, max: 1.5, count: 1 }), "1.50");
  assert.equal(spreadText(undefined), "–");
});
