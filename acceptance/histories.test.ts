import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, unexplained } from "./histories.ts";

const event = (startedAt: number, endedAt: number, remaining: number, admitted = true): Event => ({
  ...{ startedAt, endedAt, remaining, admitted },
});

test("a history that some order of its calls explains is accepted", () => {
  const overlapping = [event(0, 9, 0), event(1, 5, 2), event(2, 6, 1), event(3, 12, 0, false)];
  assert.equal(unexplained(overlapping, 3), undefined);
  assert.equal(unexplained([event(0, 1, 2), event(2, 3, 1)], 3), undefined);
});

test("a history that no order explains is found out", () => {
  for (const [history, limit] of [
    [[event(0, 1, 0), event(0, 1, 0)], 1],
    [[event(0, 1, 1), event(0, 1, 1)], 2],
    [[event(0, 1, 2), event(2, 3, 0)], 3],
    [[event(0, 1, 0), event(2, 3, 1)], 2],
    [[event(0, 1, 0, false), event(2, 3, 0)], 1],
    [[event(0, 1, 1), event(2, 3, 0, false)], 2],
    [[event(0, 1, 0), event(2, 3, 1, false)], 1],
  ] as const) {
    assert.notEqual(unexplained(history, limit), undefined, JSON.stringify(history));
  }
});
