import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS } from "../lib/clock.ts";
import { dimension, NOON, type Subject } from "./counters.contract.ts";
import type { Strike } from "./limit.ts";

/** What memory and Redis both promise about cooldowns. `open` gives empty counters at `NOON`. */
export function holdsContract(open: () => Promise<Subject>): void {
  test("so many strikes within a window start a hold, which refuses until it ends", async () => {
    const { counters, clock } = await open();
    const nothing = { until: 0, started: false };
    assert.deepEqual(await counters.strike(strike), nothing);
    assert.deepEqual(await counters.strike(strike), nothing);
    clock.advance(1_000);
    const until = NOON + 1_000 + 30_000;
    assert.deepEqual(await counters.strike(strike), { until, started: true });
    const refused = { verdict: "exceeded", remaining: 0, resetMs: 30_000, retryMs: 30_000 };
    assert.deepEqual((await counters.take([held], true)).judgements, [refused]);
    clock.advance(29_999);
    assert.equal((await counters.take([held], true)).judgements[0]?.retryMs, 1);
    clock.advance(1);
    const free = { verdict: "fits", remaining: 0, resetMs: 0, retryMs: 0 };
    assert.deepEqual((await counters.take([held], true)).judgements, [free]);
  });

  test("strikes of different windows do not add up", async () => {
    const { counters, clock } = await open();
    for (let i = 0; i < 6; i++) {
      assert.equal((await counters.strike(strike)).started, false);
      if (i % 2 === 1) clock.advance(60_000);
    }
  });

  test("a strike during a hold changes nothing, and after it the count starts anew", async () => {
    const { counters, clock, snapshot } = await open();
    const until = await hold(counters);
    const before = await snapshot(["strikes", "hold"]);
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(await counters.strike(strike), { until, started: false });
    }
    assert.equal(await snapshot(["strikes", "hold"]), before);
    clock.advance(30_000);
    assert.deepEqual(await counters.strike(strike), { until: 0, started: false });
    assert.deepEqual(await counters.strike(strike), { until: 0, started: false });
    assert.equal((await counters.strike(strike)).started, true);
  });

  test("each hold within a day of the last one's end lasts twice as long, up to the cap", async () => {
    const { counters, clock } = await open();
    const lengths: number[] = [];
    for (let i = 0; i < 8; i++) {
      const until = await hold(counters);
      lengths.push((until - clock.now()) / 1_000);
      clock.advance(until - clock.now() + DAY_MS - 1);
    }
    assert.deepEqual(lengths, [30, 60, 120, 240, 480, 600, 600, 600]);
  });

  test("every clean day halves the next hold", async () => {
    const { counters, clock } = await open();
    const next = async (afterDays: number): Promise<number> => {
      clock.advance(afterDays * DAY_MS);
      const until = await hold(counters);
      const seconds = (until - clock.now()) / 1_000;
      clock.advance(until - clock.now());
      return seconds;
    };
    const lengths: number[] = [];
    for (const days of [0, 0, 0, 1, 1.9, 2, 1, 0, 3]) lengths.push(await next(days));
    assert.deepEqual(lengths, [30, 60, 120, 60, 30, 30, 30, 60, 30]);
  });

  test("the active holds are listed, those that end first first, and a reset frees at once", async () => {
    const { counters, clock } = await open();
    for (const subject of ["ann", "bob", "eve"]) {
      await counters.strike({ ...strike, windowKey: `w-${subject}`, holdKey: subject, threshold: 1 });
      clock.advance(10_000);
    }
    const until = (key: string, ms: number) => ({ key, until: NOON + ms });
    assert.deepEqual(await counters.holds(), [until("bob", 40_000), until("eve", 50_000)]);
    await counters.reset(["bob"]);
    assert.deepEqual(await counters.holds(), [until("eve", 50_000)]);
    assert.equal((await counters.take([{ ...held, key: "bob" }], true)).allowed, true);
  });

  test("at most 1,000 holds are listed", async () => {
    const { counters } = await open();
    for (let i = 0; i < 1_003; i++) {
      await counters.strike({ ...strike, windowKey: `w-${i}`, holdKey: `hold-${i}`, threshold: 1 });
    }
    assert.equal((await counters.holds()).length, 1_000);
  });
}

const strike: Strike = {
  windowKey: "strikes",
  holdKey: "hold",
  threshold: 3,
  windowMs: 60_000,
  baseMs: 30_000,
  capMs: 600_000,
};
const held = dimension("hold", { shape: "hold", windowMs: 1, limit: 1 });

async function hold({ strike: count }: Pick<Subject["counters"], "strike">): Promise<number> {
  for (;;) {
    const { until, started } = await count(strike);
    if (started) return until;
  }
}
