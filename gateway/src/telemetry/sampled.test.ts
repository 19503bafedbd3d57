import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../lib/clock.ts";
import { sampled } from "./sampled.ts";

test("a subject is noted at most once a minute, and again after it", () => {
  const clock = new VirtualClock();
  const isWorthNoting = sampled({ clock, everyMs: 60_000, maxSubjects: 10 });
  assert.deepEqual(["ann", "ann", "bob"].map(isWorthNoting), [true, false, true]);
  clock.advance(59_999);
  assert.equal(isWorthNoting("ann"), false);
  clock.advance(1);
  assert.deepEqual(["ann", "ann"].map(isWorthNoting), [true, false]);
});

test("whatever comes, no subject is noted twice in a minute, and no more than the most in all", () => {
  const events = fc.array(fc.tuple(fc.nat(30_000), fc.nat(8)), { maxLength: 200 });
  fc.assert(
    fc.property(events, (arrivals) => {
      const clock = new VirtualClock();
      const isWorthNoting = sampled({ clock, everyMs: 60_000, maxSubjects: 4 });
      const noted: { subject: string; at: number }[] = [];
      for (const [waitMs, number] of arrivals) {
        clock.advance(waitMs);
        const subject = String(number);
        const recent = noted.filter(({ at }) => clock.monotonic() - at < 60_000);
        const expected = recent.length < 4 && recent.every((other) => other.subject !== subject);
        assert.equal(isWorthNoting(subject), expected);
        if (expected) noted.push({ subject, at: clock.monotonic() });
      }
    }),
  );
});
