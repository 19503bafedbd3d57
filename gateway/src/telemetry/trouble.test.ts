import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { troubleLog } from "./trouble.ts";

test("trouble that repeats is told once in ten seconds, with how often it was left out", () => {
  const clock = new VirtualClock();
  const lines: object[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void lines.push(fields) };
  const trouble = troubleLog({ log, clock });
  for (let second = 0; second < 21; second++) {
    trouble("prices not read", "gone");
    clock.advance(1_000);
  }
  trouble("epoch not read", "gone");
  assert.deepEqual(lines, [
    { error: "gone" },
    { error: "gone", leftOut: 9 },
    { error: "gone", leftOut: 9 },
    { error: "gone" },
  ]);
});
