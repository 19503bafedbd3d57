import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testStore } from "../store/testing.ts";
import { giveBackUsage, mirrorUsage, resetUsage, takeUsage, usageOf } from "./usage-counters.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const YESTERDAY = "2026-11-21";
const TODAY = "2026-11-22";
const NOON = new Date("2026-11-22T12:00:00Z");
const subject = (id: string) => ({ kind: "user-day", id });

test("a subject's quota is taken to its edge and not beyond, each subject and day for itself", async () => {
  const ann = subject("usr_ann");
  const take = (day = TODAY, cost = 1, who = ann) => takeUsage(db, who, day, { cost, limit: 3 });
  assert.deepEqual([await take(TODAY, 2), await take(), await take()], [2, 3, undefined]);
  assert.equal(await usageOf(db, ann, TODAY), 3);
  assert.equal(await take(YESTERDAY), 1);
  assert.equal(await take(TODAY, 1, subject("usr_bob")), 1);
  assert.equal(await take(TODAY, 1, { kind: "device-day", id: "usr_ann" }), 1);
});

test("a cost above the whole limit is never taken, not even by the first call", async () => {
  const who = subject("usr_large");
  assert.equal(await takeUsage(db, who, TODAY, { cost: 4, limit: 3 }), undefined);
  assert.equal(await takeUsage(db, who, TODAY, { cost: 1, limit: 0 }), undefined);
  assert.equal(await usageOf(db, who, TODAY), 0);
});

test("concurrent calls never take more than the limit", async () => {
  const who = subject("usr_herd");
  const takes = Array.from({ length: 20 }, () => takeUsage(db, who, TODAY, { cost: 1, limit: 7 }));
  const taken = (await Promise.all(takes)).filter((used) => used !== undefined);
  assert.deepEqual(taken.sort(), [1, 2, 3, 4, 5, 6, 7]);
});

test("what is given back can be taken again, and never makes less than nothing", async () => {
  const who = subject("usr_back");
  await takeUsage(db, who, TODAY, { cost: 2, limit: 2 });
  await giveBackUsage(db, who, TODAY, 1);
  assert.equal(await usageOf(db, who, TODAY), 1);
  await giveBackUsage(db, who, TODAY, 9);
  assert.equal(await usageOf(db, who, TODAY), 0);
});

test("a mirrored count never lowers a day, and days do not touch each other", async () => {
  const who = subject("usr_mirror");
  await mirrorUsage(db, [{ ...who, day: TODAY, used: 5 }], NOON);
  await mirrorUsage(
    db,
    [
      { ...who, day: TODAY, used: 3 },
      { ...who, day: YESTERDAY, used: 100 },
    ],
    NOON,
  );
  assert.deepEqual([await usageOf(db, who, TODAY), await usageOf(db, who, YESTERDAY)], [5, 100]);
});

test("after a reset nothing is used, and counts from before it are never mirrored", async () => {
  const who = subject("usr_reset");
  const settled = new Date(NOON.getTime() + 2_000);
  const mirror = (used: number, at: number) =>
    mirrorUsage(db, [{ ...who, day: TODAY, used }], new Date(settled.getTime() + at));
  for (const used of [undefined, 3]) {
    if (used !== undefined) await mirror(used, 0);
    await resetUsage(db, who, TODAY, settled);
    await mirror(9, -1);
    assert.equal(await usageOf(db, who, TODAY), 0);
  }
  await mirror(1, 0);
  assert.equal(await usageOf(db, who, TODAY), 1);
});
