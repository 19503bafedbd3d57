import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceOf, ratioOf } from "./result.ts";
import type { Sample } from "./rounds.ts";

function sample(target: Sample["target"], round: number, cpuUs: number): Sample {
  const rest = {
    perSecond: 1,
    p50Ms: 1,
    p99Ms: 1,
    databaseCpuUs: undefined,
    redisCpuUs: undefined,
    residentMb: 1,
  };
  return { workload: "json-1k", target, round, cpuUs, ...rest };
}

const samples = [
  ...[sample("bare", 1, 10), sample("bare", 2, 100), sample("bare", 3, 10)],
  ...[sample("tollgate", 1, 20), sample("tollgate", 2, 300), sample("tollgate", 4, 7)],
];
const comparison = { workload: "json-1k", target: "tollgate", reference: "bare", figure: "cpuUs" } as const;

test("targets are compared round by round, and only in rounds that both have", () => {
  assert.deepEqual(ratioOf({ samples }, comparison), { median: 2.5, min: 2, max: 3, count: 2 });
  assert.deepEqual(differenceOf({ samples }, comparison), { median: 105, min: 10, max: 200, count: 2 });
});

test("what a target does not use is not compared", () => {
  assert.equal(ratioOf({ samples }, { ...comparison, figure: "redisCpuUs" }), undefined);
});
