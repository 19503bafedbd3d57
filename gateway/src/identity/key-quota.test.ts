import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testStore } from "../store/testing.ts";
import { giveBackKeyQuota, keyUsageOf, mirrorKeyUsage, resetKeyUsage, takeKeyQuota } from "./key-quota.ts";
import { identityDeps, issued, userNamed } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 1);
await userNamed(db, "usr_ann");

const YESTERDAY = "2026-11-21";
const TODAY = "2026-11-22";
const NOON = new Date("2026-11-22T12:00:00Z");

async function keyWith(dailyQuota: number | null): Promise<number> {
  return (await issued(deps, "usr_ann", { dailyQuota })).apiKey.id;
}

test("a daily quota is taken to its edge and not beyond", async () => {
  const id = await keyWith(3);
  assert.deepEqual([await takeKeyQuota(db, id, TODAY, 2), await takeKeyQuota(db, id, TODAY, 1)], [2, 3]);
  assert.equal(await takeKeyQuota(db, id, TODAY, 1), undefined);
  assert.equal(await keyUsageOf(db, id, TODAY), 3);
});

test("concurrent calls never take more than the quota holds", async () => {
  const id = await keyWith(7);
  const taken = await Promise.all(Array.from({ length: 20 }, () => takeKeyQuota(db, id, TODAY, 1)));
  assert.deepEqual(taken.filter((used) => used !== undefined).sort(), [1, 2, 3, 4, 5, 6, 7]);
});

test("a quota of zero refuses everything, and no quota counts without refusing", async () => {
  const none = await keyWith(0);
  assert.equal(await takeKeyQuota(db, none, TODAY, 1), undefined);
  const endless = await keyWith(null);
  assert.equal(await takeKeyQuota(db, endless, TODAY, 1_000_000), 1_000_000);
});

test("a new day begins at zero", async () => {
  const id = await keyWith(1);
  await takeKeyQuota(db, id, YESTERDAY, 1);
  assert.equal(await keyUsageOf(db, id, TODAY), 0);
  assert.equal(await takeKeyQuota(db, id, TODAY, 1), 1);
  assert.equal(await takeKeyQuota(db, id, TODAY, 1), undefined);
});

test("what is given back can be taken again, and never makes less than nothing", async () => {
  const id = await keyWith(1);
  await takeKeyQuota(db, id, TODAY, 1);
  await giveBackKeyQuota(db, id, YESTERDAY, 1);
  assert.equal(await keyUsageOf(db, id, TODAY), 1);
  await giveBackKeyQuota(db, id, TODAY, 5);
  assert.equal(await keyUsageOf(db, id, TODAY), 0);
  assert.equal(await takeKeyQuota(db, id, TODAY, 1), 1);
});

test("a mirrored count never lowers a day, and an older day never overwrites a newer one", async () => {
  const [a, b] = [await keyWith(null), await keyWith(null)];
  await mirrorKeyUsage(
    db,
    [
      { id: a, day: TODAY, used: 5 },
      { id: b, day: YESTERDAY, used: 9 },
    ],
    NOON,
  );
  await mirrorKeyUsage(
    db,
    [
      { id: a, day: TODAY, used: 3 },
      { id: b, day: TODAY, used: 1 },
    ],
    NOON,
  );
  await mirrorKeyUsage(
    db,
    [
      { id: a, day: YESTERDAY, used: 100 },
      { id: b, day: YESTERDAY, used: 100 },
    ],
    NOON,
  );
  assert.deepEqual([await keyUsageOf(db, a, TODAY), await keyUsageOf(db, b, TODAY)], [5, 1]);
});

test("after a reset nothing is used, and counts from before it are never mirrored", async () => {
  const id = await keyWith(3);
  await takeKeyQuota(db, id, TODAY, 3);
  const settled = new Date(NOON.getTime() + 2_000);
  await resetKeyUsage(db, id, TODAY, settled);
  assert.equal(await takeKeyQuota(db, id, TODAY, 1), 1);
  await mirrorKeyUsage(db, [{ id, day: TODAY, used: 3 }], new Date(settled.getTime() - 1));
  assert.equal(await keyUsageOf(db, id, TODAY), 1);
  await mirrorKeyUsage(db, [{ id, day: TODAY, used: 2 }], settled);
  assert.equal(await keyUsageOf(db, id, TODAY), 2);
});

test("a key that is gone has used nothing", async () => {
  assert.equal(await keyUsageOf(db, 999_999, TODAY), 0);
  await mirrorKeyUsage(db, [{ id: 999_999, day: TODAY, used: 1 }], NOON);
});
