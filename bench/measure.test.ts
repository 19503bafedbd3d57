import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMsBetween, foreignCpuMsBetween, parseTimes, type Snapshot } from "./measure.ts";

/** Rows of process id, parent, CPU in milliseconds. */
function snapshot(rows: readonly (readonly [number, number, number])[], stolenMs = 0): Snapshot {
  const processes = rows.map(([pid, parent, cpuMs]) => ({ pid, parent, cpuMs }));
  return { processes: new Map(processes.map((times) => [times.pid, times])), stolenMs };
}

test("a process is read whatever its name holds, with the time of the children it waited for", () => {
  const stat = "42 (a) b ( c)) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 5 6 7";
  assert.deepEqual(parseTimes(stat), { pid: 42, parent: 7, cpuMs: 1240 });
});

test("a tree's CPU includes grandchildren and children that ended meanwhile", () => {
  const before = snapshot([
    [10, 1, 100],
    [11, 10, 50],
    [12, 11, 30],
    [99, 1, 500],
  ]);
  const after = snapshot([
    [10, 1, 180],
    [11, 10, 90],
    [99, 1, 900],
  ]);
  assert.equal(cpuMsBetween(before, after, 10), 90);
});

test("others are who does not descend from us, without kernel threads, with what the hypervisor took", () => {
  const before = snapshot(
    [
      [1, 0, 10],
      [2, 0, 0],
      [3, 2, 70],
      [10, 1, 100],
      [11, 10, 50],
    ],
    5,
  );
  const after = snapshot(
    [
      [1, 0, 30],
      [2, 0, 0],
      [3, 2, 900],
      [10, 1, 500],
      [11, 10, 700],
    ],
    9,
  );
  assert.equal(foreignCpuMsBetween(before, after, 10), 24);
});
