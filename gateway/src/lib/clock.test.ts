import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  atMost,
  blockFor,
  eventLoopDelay,
  isoTime,
  sleep,
  systemClock,
  utcDay,
  VirtualClock,
  within,
} from "./clock.ts";

const START = Date.UTC(2026, 10, 22, 12);

test("alarms ring in the order of their times, and in the order of their setting at the same time", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), (waits) => {
      const clock = new VirtualClock(START);
      const rung: [number, number][] = [];
      for (const [index, ms] of waits.entries())
        clock.after(ms, () => rung.push([clock.now() - START, index]));
      clock.advance(20);
      const expected = waits.map((ms, index) => [ms, index]).sort(([a], [b]) => a! - b!);
      assert.deepEqual(rung, expected);
    }),
  );
});

test("an alarm set by an alarm rings on the same way, if its time has come", () => {
  const clock = new VirtualClock(START);
  const rung: number[] = [];
  clock.after(10, () => clock.after(5, () => rung.push(clock.monotonic())));
  clock.advance(14);
  assert.deepEqual(rung, []);
  clock.advance(1);
  assert.deepEqual(rung, [15]);
});

test("what repeats rings once in every period until it is called off, even by itself", () => {
  const clock = new VirtualClock(START);
  const rung: number[] = [];
  const stop = clock.every(10, () => {
    rung.push(clock.monotonic());
    if (rung.length === 3) stop();
  });
  clock.advance(100);
  assert.deepEqual(rung, [10, 20, 30]);
});

test("an alarm that was called off never rings", () => {
  const clock = new VirtualClock(START);
  clock.after(10, () => assert.fail("rang"))();
  clock.advance(10);
});

test("a stepped wall clock moves neither alarms nor what is measured", () => {
  const clock = new VirtualClock(START);
  let rung = false;
  clock.after(10, () => {
    rung = true;
  });
  clock.step(3_600_000);
  assert.deepEqual([clock.now(), clock.monotonic(), rung], [START + 3_600_000, 0, false]);
  clock.step(-7_200_000);
  clock.advance(10);
  assert.deepEqual([clock.now(), clock.monotonic(), rung], [START - 3_600_000 + 10, 10, true]);
});

test("work that is done in time is what it is, and its alarm is called off", async () => {
  const clock = new VirtualClock(START);
  let alarms = 0;
  const watched = {
    ...clock,
    after(ms: number, run: () => void) {
      alarms += 1;
      const cancel = clock.after(ms, run);
      return () => {
        alarms -= 1;
        cancel();
      };
    },
  };
  assert.equal(await within(watched, 10, Promise.resolve("done"), () => new Error("late")), "done");
  await assert.rejects(
    within(watched, 10, Promise.reject(new Error("broken")), () => new Error("late")),
    /broken/,
  );
  assert.equal(alarms, 0);
});

test("work that takes too long is given up at the agreed time", async () => {
  const clock = new VirtualClock(START);
  const work = within(clock, 10, sleep(clock, 11), () => new Error("late"));
  clock.advance(10);
  await assert.rejects(work, /late/);
});

test("work is waited for at most as long as agreed, and its alarm is called off when it is done", async () => {
  const clock = new VirtualClock(START);
  const late = atMost(clock, 10, sleep(clock, 1_000));
  clock.advance(10);
  await late;
  await atMost(clock, 10, Promise.resolve("done"));
  await assert.rejects(atMost(clock, 10, Promise.reject(new Error("broken"))), /broken/);
});

test("a blocked event loop is late, whenever the block began, and an idle one is not", async () => {
  const delay = eventLoopDelay();
  await sleepFor(300);
  assert.ok(delay.sampleP99Ms() < 100);
  blockFor(150);
  assert.ok(delay.sampleP99Ms() > 100);
  blockFor(150);
  await sleepFor(60);
  assert.ok(delay.sampleP99Ms() > 100);
  assert.ok(delay.sampleP99Ms() < 100, "each sample begins anew");
  delay.stop();
});

/** The event loop itself is the subject. */
async function sleepFor(ms: number): Promise<void> {
  const keepAlive = setInterval(() => {}, 1_000);
  await sleep(systemClock, ms);
  clearInterval(keepAlive);
}

test("days and times are UTC", () => {
  assert.equal(utcDay(Date.UTC(2026, 11, 31, 23, 59, 59, 999)), "2026-12-31");
  assert.equal(isoTime(Date.UTC(2027, 0, 1)), "2027-01-01T00:00:00.000Z");
});
