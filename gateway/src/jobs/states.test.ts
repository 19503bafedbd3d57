import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  cancellable,
  firstStatuses,
  jobStatuses,
  mayBecome,
  nextAfterFailure,
  transitions,
} from "./states.ts";

const rules = { isFatal: false, retryBaseMs: 60_000 };

test("failures wait 60, 120, 240 and 480 s, and the next one is the last", () => {
  const delays: number[] = [];
  let retryCount = 0;
  for (;;) {
    const next = nextAfterFailure({ retryCount, maxRetries: 4 }, rules);
    if (next.status === "dead_letter") {
      assert.equal(next.failureReason, "max retries exceeded");
      break;
    }
    delays.push(next.delayMs / 1000);
    retryCount = next.retryCount;
  }
  assert.deepEqual(delays, [60, 120, 240, 480]);
});

test("a fatal error is the last, however many retries are left", () => {
  assert.deepEqual(nextAfterFailure({ retryCount: 0, maxRetries: 3 }, { ...rules, isFatal: true }), {
    status: "dead_letter",
    failureReason: "fatal error",
  });
});

test("every failed attempt leads where a running job may go, and no job is retried more than max_retries times", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.array(fc.boolean(), { maxLength: 40 }), (maxRetries, fatal) => {
      let retryCount = 0;
      let attempts = 0;
      for (const isFatal of fatal) {
        attempts += 1;
        const next = nextAfterFailure({ retryCount, maxRetries }, { ...rules, isFatal });
        assert.ok(mayBecome("running", next.status));
        if (next.status === "dead_letter") return assert.ok(isFatal || attempts === maxRetries + 1);
        assert.ok(mayBecome(next.status, "pending"));
        retryCount = next.retryCount;
      }
      assert.ok(attempts <= maxRetries);
    }),
  );
});

test("from every beginning each state can be reached, and from each one an end", () => {
  const reachable = (from: (typeof jobStatuses)[number], seen = new Set([from])) => {
    for (const to of transitions[from]) {
      if (seen.has(to)) continue;
      seen.add(to);
      reachable(to, seen);
    }
    return seen;
  };
  for (const first of firstStatuses) assert.equal(reachable(first).size, jobStatuses.length);
  for (const status of jobStatuses) {
    const ends = [...reachable(status)].filter(
      (one) => transitions[one].length === 0 || one === "dead_letter",
    );
    assert.ok(ends.length > 0, status);
  }
  assert.deepEqual(cancellable, ["pending", "running", "retrying", "blocked"]);
});
