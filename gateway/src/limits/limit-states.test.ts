import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";
import { memoryCounters } from "./counters.memory.ts";
import { CountersUnavailable } from "./limit.ts";
import { limitStates } from "./limit-states.ts";

const NOON = Date.UTC(2026, 0, 1, 12);

function limit(changes: Partial<AppliedLimit>): AppliedLimit {
  const base = { id: "a", key: "a", scope: "user", shape: "window", code: "RATE_LIMITED" } as const;
  return { ...base, limit: 10, windowMs: 60_000, cost: 0, capacity: 0, ...changes };
}

const window = limit({});
const bucket = limit({ key: "b", shape: "bucket", limit: 60, capacity: 5 });
const daily = limit({ key: "d", shape: "dailyQuota", windowMs: DAY_MS });
const lease = limit({ key: "l", shape: "lease", limit: 2 });
const hold = limit({ key: "h", shape: "hold", limit: 1 });
const all = [window, bucket, daily, lease, hold];

function setting() {
  const clock = new VirtualClock(NOON);
  const counters = memoryCounters({ clock });
  return { clock, counters, usedToday: async () => 12 };
}

test("what was used is used, whatever its shape, and looking takes nothing", async () => {
  const deps = setting();
  const { counters } = deps;
  await counters.take(
    [
      { ...window, cost: 4 },
      { ...bucket, cost: 2 },
      { ...lease, cost: 1, lease: "call" },
    ],
    true,
  );
  for (let look = 0; look < 2; look++) {
    const states = await limitStates(deps, all);
    assert.deepEqual(
      states.map((state) => [state?.used, state?.remaining]),
      [
        [4, 6],
        [2, 3],
        [12, 0],
        [1, 1],
        [0, 0],
      ],
    );
    assert.deepEqual([states[0]?.resetAtMs, states[2]?.resetAtMs], [NOON + 60_000, NOON + DAY_MS / 2]);
  }
});

test("a cooldown is used while it holds", async () => {
  const deps = setting();
  const strike = {
    windowKey: "w",
    holdKey: "h",
    threshold: 1,
    windowMs: 1_000,
    baseMs: 30_000,
    capMs: 60_000,
  };
  await deps.counters.strike(strike);
  const [state] = await limitStates(deps, [hold]);
  assert.deepEqual([state?.used, state?.resetAtMs], [1, NOON + 30_000]);
});

test("where the counters are out of reach, daily quotas are known and nothing else", async () => {
  const states = await limitStates({ ...setting(), counters: undefined }, [window, daily]);
  assert.deepEqual(states, [undefined, { used: 12, remaining: 0, resetAtMs: NOON + DAY_MS / 2 }]);
});

test("counters that do not answer are an outage and never nothing used", async () => {
  const away = { take: () => Promise.reject(new CountersUnavailable("away")) };
  await assert.rejects(limitStates({ ...setting(), counters: away }, all), { code: "STORE_UNAVAILABLE" });
});
