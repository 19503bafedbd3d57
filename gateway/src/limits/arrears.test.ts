import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import { arrears } from "./arrears.ts";
import { dimension, NOON } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import { type Counters, CountersUnavailable } from "./limit.ts";
import type { Entry } from "./states.memory.ts";

const quota = (key: string) => dimension(key, { shape: "dailyQuota", windowMs: DAY_MS, limit: 9 });

function setting() {
  const clock = new VirtualClock(NOON);
  const entries = new Map<string, Entry>();
  const counters = memoryCounters({ clock, entries });
  return {
    clock,
    counters,
    owed: arrears({ clock }),
    usedOf: (key: string) => entries.get(key)?.state.amount,
  };
}

test("the largest count of a day is owed, in whatever order the answers come", async () => {
  const { owed, counters, usedOf } = setting();
  owed.note(quota("a"), 3, DAY_MS / 2);
  owed.note(quota("a"), 2, DAY_MS / 2);
  await owed.settle(counters, [quota("a"), quota("b")]);
  assert.equal(usedOf("a"), 3);
});

test("a new day owes its own count", async () => {
  const { owed, counters, clock, usedOf } = setting();
  owed.note(quota("a"), 9, DAY_MS / 2);
  clock.advance(DAY_MS / 2);
  owed.note(quota("a"), 1, DAY_MS);
  await owed.settle(counters, [quota("a")]);
  assert.equal(usedOf("a"), 1);
});

test("what the counters did not hear is told again", async () => {
  const { owed, counters, usedOf } = setting();
  const away: Counters = { ...counters, seed: () => Promise.reject(new CountersUnavailable("away")) };
  owed.note(quota("a"), 3, DAY_MS / 2);
  await assert.rejects(owed.settle(away, [quota("a")]), CountersUnavailable);
  owed.settleRest(away);
  owed.settleRest(away);
  await new Promise(setImmediate);
  owed.settleRest(counters);
  await new Promise(setImmediate);
  assert.equal(usedOf("a"), 3);
});
