import assert from "node:assert/strict";
import test from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { silence } from "./silence.ts";

function afterFailures(count: number, spacingMs = 0) {
  const clock = new VirtualClock();
  const guard = silence(clock);
  const attempts = Array.from({ length: count }, () => guard.enter());
  for (const attempt of attempts) {
    attempt?.failed();
    clock.advance(spacingMs);
  }
  return { clock, guard };
}

test("three failures within a second leave the server alone for a second", () => {
  const { clock, guard } = afterFailures(3);
  assert.equal(guard.enter(), undefined);
  clock.advance(999);
  assert.equal(guard.enter(), undefined);
  clock.advance(1);
  assert.notEqual(guard.enter(), undefined);
});

test("fewer failures, or failures farther apart, change nothing", () => {
  assert.notEqual(afterFailures(2).guard.enter(), undefined);
  assert.notEqual(afterFailures(10, 500).guard.enter(), undefined);
});

test("after the pause one caller tries, and its success lets everyone in", () => {
  const { clock, guard } = afterFailures(3);
  clock.advance(1_000);
  const probe = guard.enter();
  assert.equal(guard.enter(), undefined);
  probe?.succeeded();
  guard.enter()?.failed();
  assert.notEqual(guard.enter(), undefined);
});

test("a failed try starts the pause again, and late failures do not prolong it", () => {
  const { clock, guard } = afterFailures(5);
  clock.advance(1_000);
  guard.enter()?.failed();
  clock.advance(999);
  assert.equal(guard.enter(), undefined);
  clock.advance(1);
  guard.enter()?.succeeded();
  assert.notEqual(guard.enter(), undefined);
});
