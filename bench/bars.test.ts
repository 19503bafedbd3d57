import assert from "node:assert/strict";
import { test } from "node:test";
import { stateOf } from "./bars.ts";

const less = { name: "", firstBar: 3, goal: 1.5, better: "less", unit: "" } as const;
const more = { name: "", firstBar: 5, goal: 12, better: "more", unit: "" } as const;

test("a gate stands where its figure stands, limits included", () => {
  assert.deepEqual(
    [1.5, 3, 3.01].map((measured) => stateOf({ ...less, measured })),
    ["goal met", "first bar met", "missed"],
  );
  assert.deepEqual(
    [12, 5, 4.9].map((measured) => stateOf({ ...more, measured })),
    ["goal met", "first bar met", "missed"],
  );
});

test("what was not measured is not called met", () => {
  assert.equal(stateOf({ ...less, measured: undefined }), "not measured");
  assert.equal(stateOf({ ...less, measured: Number.NaN }), "not measured");
});
