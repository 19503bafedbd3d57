import assert from "node:assert/strict";
import { after, test } from "node:test";
import { identityDeps, issued, userNamed } from "../identity/testing.ts";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import type { AppliedLimit } from "../limits/admit.ts";
import { testStore } from "../store/testing.ts";
import { quotas } from "./quotas.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 1);
const EVENING = Date.UTC(2026, 10, 22, 18);
let count = 0;

/** A user with a daily plan and a key with a quota of its own, as a call meets them. */
async function callerWith(userLimit: number, keyLimit: number) {
  count += 1;
  const userId = await userNamed(db, `usr_${count}`);
  const { apiKey } = await issued(deps, userId, { dailyQuota: keyLimit });
  const common = { shape: "dailyQuota", windowMs: DAY_MS, cost: 1, capacity: 0 } as const;
  const ofUser: AppliedLimit = {
    ...common,
    id: "user-day",
    scope: "user",
    key: `user-day:${userId}`,
    limit: userLimit,
    code: "RATE_LIMITED",
  };
  const ofKey: AppliedLimit = {
    ...common,
    id: "key-day",
    scope: "key",
    key: `key-day:${apiKey.id}`,
    limit: keyLimit,
    code: "QUOTA_EXCEEDED",
  };
  const clock = new VirtualClock(EVENING);
  const authority = quotas({ db, clock });
  return {
    ...authority,
    clock,
    ofUser,
    ofKey,
    both: [ofUser, ofKey],
    used: async () => [await authority.usedToday(ofUser), await authority.usedToday(ofKey)],
  };
}

test("a call takes all its daily quotas or none", async () => {
  const { take, both, used } = await callerWith(5, 1);
  const first = await take(both);
  assert.deepEqual(
    [first.allowed, first.judgements.map(({ verdict, remaining }) => [verdict, remaining])],
    [
      true,
      [
        ["fits", 4],
        ["fits", 0],
      ],
    ],
  );
  const second = await take(both);
  assert.equal(second.allowed, false);
  assert.equal(second.judgements[1]?.verdict, "exceeded");
  assert.deepEqual(await used(), [1, 1]);
});

test("a refusal lasts until the next UTC day, and then the count begins anew", async () => {
  const { take, both, clock, used } = await callerWith(1, 9);
  await take(both);
  const { judgements } = await take(both);
  assert.equal(judgements[0]?.retryMs, 6 * 3_600_000);
  clock.advance(6 * 3_600_000);
  assert.deepEqual(await used(), [0, 0]);
  assert.equal((await take(both)).allowed, true);
});

test("a quota that could never hold the call says so", async () => {
  const { take, ofUser } = await callerWith(0, 9);
  const { allowed, judgements } = await take([ofUser]);
  assert.deepEqual([allowed, judgements[0]?.retryMs], [false, -1]);
});

test("calls at the same time never take more than the smallest quota, and lose nothing of the others", async () => {
  const { take, both, used } = await callerWith(100, 7);
  const taken = await Promise.all(Array.from({ length: 20 }, () => take(both)));
  assert.equal(taken.filter(({ allowed }) => allowed).length, 7);
  assert.deepEqual(await used(), [7, 7]);
});

test("what is given back is there again", async () => {
  const { take, giveBack, both, used } = await callerWith(1, 1);
  await take(both);
  await giveBack(both);
  assert.deepEqual(await used(), [0, 0]);
  assert.equal((await take(both)).allowed, true);
});

test("a mirrored count is what a quota is seeded from, and never lowers it", async () => {
  const { mirror, ofUser, ofKey, used } = await callerWith(100, 100);
  const counts = (ofUsers: number, ofKeys: number, day = "2026-11-22") => [
    { limit: ofUser, day, used: ofUsers },
    { limit: ofKey, day, used: ofKeys },
  ];
  await mirror(counts(5, 6));
  await mirror(counts(4, 3));
  await mirror(counts(50, 60, "2026-11-21"));
  await mirror([]);
  assert.deepEqual(await used(), [5, 6]);
});
