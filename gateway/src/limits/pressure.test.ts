import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { seededChance } from "../lib/ids.ts";
import { judgePressure, type PressureDeps, pressure } from "./pressure.ts";

const SECOND_MS = 1_000;
const bound = fc.option(fc.nat(2_000), { nil: undefined });
const bounds = fc.record({ maxInFlight: bound, maxQueueDepth: bound, maxDelayMs: bound });
const load = fc.record({ inFlight: fc.nat(2_500), queueDepth: fc.nat(2_500), slowSamples: fc.nat(8) });
const calm = { inFlight: 0, queueDepth: 0, slowSamples: 0 };

function pressed(options: Partial<PressureDeps>) {
  const clock = new VirtualClock();
  const house = pressure({
    clock,
    chance: seededChance(1),
    queueDepth: () => 0,
    loopDelayP99Ms: () => 0,
    ...options,
  });
  return { clock, ...house };
}

/** How many requests of a kind get in, one after the other, while none leaves. */
function places(house: Pick<ReturnType<typeof pressed>, "enter">, kind: "work" | "reserved"): number {
  for (let entered = 0; ; entered++) {
    try {
      house.enter(kind);
    } catch (error) {
      assert.ok(error instanceof TollgateError && error.is("OVERLOADED"));
      return entered;
    }
  }
}

test("work takes four fifths of the places, and the rest is kept for what keeps the house running", () => {
  for (const [maxInFlight, work] of [
    [0, 0],
    [1, 1],
    [2, 1],
    [5, 4],
    [9, 7],
    [10, 8],
    [1_000, 800],
  ] as const) {
    const house = pressed({ maxInFlight });
    assert.equal(places(house, "work"), work);
    assert.equal(places(house, "reserved"), maxInFlight - work);
    assert.equal(house.inFlight(), maxInFlight);
    assert.equal(places(pressed({ maxInFlight }), "reserved"), maxInFlight);
  }
});

test("a request that is over makes room for one, however often it is counted out", () => {
  const house = pressed({ maxInFlight: 10 });
  const leave = house.enter("work");
  places(house, "work");
  leave();
  leave();
  assert.equal(places(house, "work"), 1);
});

test("whatever comes and goes, those under way are counted and never exceed the bound", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.oneof(fc.constantFrom("work" as const, "reserved" as const), fc.nat(30))),
      (maxInFlight, steps) => {
        const house = pressed({ maxInFlight });
        const inside: (() => void)[] = [];
        for (const step of steps) {
          if (typeof step === "number") inside.splice(step % (inside.length + 1), 1)[0]?.();
          else
            try {
              inside.push(house.enter(step));
            } catch {}
          assert.equal(house.inFlight(), inside.length);
          assert.ok(inside.length <= maxInFlight);
        }
      },
    ),
  );
});

test("a longer queue than allowed refuses work, and an equally long one does not", () => {
  let depth = 10;
  const house = pressed({ maxQueueDepth: 10, queueDepth: () => depth });
  house.enter("work")();
  depth = 11;
  assert.throws(() => house.enter("work"), { code: "OVERLOADED" });
  house.enter("reserved")();
});

test("an event loop that is late for five seconds refuses work, until one second is good", () => {
  let delayMs = 201;
  const house = pressed({ maxDelayMs: 200, loopDelayP99Ms: () => delayMs });
  house.clock.advance(4 * SECOND_MS);
  house.enter("work")();
  house.clock.advance(SECOND_MS);
  assert.throws(() => house.enter("work"), { code: "OVERLOADED" });
  house.enter("reserved")();
  delayMs = 200;
  house.clock.advance(SECOND_MS);
  house.enter("work")();
  delayMs = 900;
  house.clock.advance(4 * SECOND_MS);
  house.enter("work")();
});

test("a house that was stopped takes no samples", () => {
  const house = pressed({ maxDelayMs: 1, loopDelayP99Ms: () => assert.fail("sampled") });
  house.stop();
  house.clock.advance(10 * SECOND_MS);
});

test("those who are refused come back within one to five seconds, each at another time", () => {
  const house = pressed({ maxInFlight: 0 });
  const waits = Array.from({ length: 500 }, () => {
    try {
      house.enter("reserved");
    } catch (error) {
      if (error instanceof TollgateError && error.is("OVERLOADED")) return error.details.retryAfterMs;
    }
    return assert.fail("let in");
  });
  assert.ok(waits.every((ms) => Number.isInteger(ms) && ms >= 1_000 && ms <= 5_000));
  assert.ok(Math.max(...waits) - Math.min(...waits) > 3_000);
  assert.ok(new Set(waits).size > 400);
});

test("without bounds everything gets in, and a bound of 0 refuses all work at once", () => {
  fc.assert(fc.property(load, (any) => assert.ok(judgePressure(any, {}, "work"))));
  for (const name of ["maxInFlight", "maxQueueDepth", "maxDelayMs"] as const) {
    assert.equal(judgePressure(calm, { [name]: 0 }, "work"), false, name);
  }
});

test("what is refused stays refused under more load, and what is reserved gets in wherever work does", () => {
  fc.assert(
    fc.property(load, load, bounds, (some, more, within) => {
      const heavier = {
        inFlight: some.inFlight + more.inFlight,
        queueDepth: some.queueDepth + more.queueDepth,
        slowSamples: some.slowSamples + more.slowSamples,
      };
      for (const kind of ["work", "reserved"] as const) {
        if (judgePressure(heavier, within, kind)) assert.ok(judgePressure(some, within, kind));
      }
      if (judgePressure(some, within, "work")) assert.ok(judgePressure(some, within, "reserved"));
    }),
  );
});
