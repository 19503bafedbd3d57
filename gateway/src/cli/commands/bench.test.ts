import assert from "node:assert/strict";
import { test } from "node:test";
import { textOf } from "../table.ts";
import { addedBy, figuresOf } from "./bench.figures.ts";
import { showBench } from "./bench.ts";

test("percentiles are values that were measured, at their nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  const slices = [hundred.slice(0, 60), hundred.slice(60)].map((takenMs) => ({ takenMs, elapsedMs: 1_000 }));
  assert.deepEqual(figuresOf(slices), { p50Ms: 50, p99Ms: 99, perSecond: 50 });
  assert.deepEqual(figuresOf([{ takenMs: [7], elapsedMs: 1_000 }]), { p50Ms: 7, p99Ms: 7, perSecond: 1 });
});

test("where nothing was measured nothing is said", () => {
  assert.throws(() => figuresOf([]), RangeError);
});

test("what Tollgate adds is the difference of the two ways", () => {
  const directly = { p50Ms: 1, p99Ms: 2, perSecond: 1_000 };
  const through = { p50Ms: 2.5, p99Ms: 6, perSecond: 400 };
  const added = addedBy(directly, through);
  assert.deepEqual(added, { p50Ms: 1.5, p99Ms: 4 });
  const compared = { directly, through, added };
  const text = textOf(showBench({ seconds: 5, connections: 16, whole: compared, firstByte: compared }));
  assert.match(text, /whole answer, through Tollgate +2\.50 ms +6\.00 ms +400/);
  assert.match(text, /Tollgate adds +1\.50 ms +4\.00 ms$/m);
});
