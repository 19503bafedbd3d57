import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import { listApiKeys } from "./api-keys.ts";
import { type CacheResult, identifier } from "./identify.ts";
import { formatKey, newKey } from "./key.ts";
import { revokeApiKey } from "./revoke-keys.ts";
import { startSession } from "./sessions.ts";
import { staticTokens } from "./static-tokens.ts";
import { grant, identityDeps, issued, tester, testPepper, userNamed, watched } from "./testing.ts";
import { dropCachedIdentities, raiseEpoch, readEpoch } from "./users.ts";

const store = await testStore();
after(() => store.close());
let seed = 0;

async function setting(userId: string) {
  seed += 1;
  const database = watched(store.db);
  const deps = identityDeps(database.db, seed);
  const tokens = staticTokens(
    { map: `${userId}-token:${userId}`, legacy: undefined, defaultUser: "usr_dev" },
    testPepper,
  );
  assert.ok("tokens" in tokens);
  const cache: CacheResult[] = [];
  const identities = identifier({ ...deps, tokens: tokens.tokens, onCache: (result) => cache.push(result) });
  await userNamed(store.db, userId);
  return { ...identities, deps, clock: deps.clock, database, cache };
}

/** What an administrator does to a user. */
function changeUser(db: Db, id: string, change: { role?: "viewer"; active?: boolean }): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await tx.updateTable("users").set(change).where("id", "=", id).execute();
    return raiseEpoch(tx);
  });
}

test("a key is its owner, with the key's own scopes, project and quota", async () => {
  const { identify, deps } = await setting("usr_whole");
  const { key, apiKey } = await issued(deps, "usr_whole", { dailyQuota: 5 });
  const principal = await identify(key);
  assert.deepEqual(principal, {
    userId: "usr_whole",
    role: "developer",
    credential: { kind: "key" },
    key: grant({
      keyId: apiKey.id,
      prefix: apiKey.prefix,
      quotaGroup: apiKey.id,
      ownerId: "usr_whole",
      scopes: ["inference:write", "costs:read"],
      dailyQuota: 5,
    }),
    plan: { name: "default", limits: {} },
    overrides: {},
    epoch: await readEpoch(deps.db),
  });
});

test("a static token is its user", async () => {
  const { identify } = await setting("usr_static");
  const { userId, role, credential } = await identify("usr_static-token");
  assert.deepEqual([userId, role, credential], ["usr_static", "developer", { kind: "static" }]);
});

test("by key, session and static token a user has the same plan and the same limits of its own", async () => {
  const { identify, deps } = await setting("usr_planned");
  const plan = { name: "gold", limits: { requestsPerMinute: 7 } };
  const limits = JSON.stringify({ requests_per_minute: 7 });
  await store.db
    .insertInto("plans")
    .values({ name: "gold", limits, updated_at: new Date(0), updated_by: "test" })
    .execute();
  await store.db
    .updateTable("users")
    .set({ plan: "gold", limit_overrides: JSON.stringify({ "user-minute": 3 }) })
    .where("id", "=", "usr_planned")
    .execute();
  const { key } = await issued(deps, "usr_planned", { plan: "gold" });
  const sessionId = await deps.change(tester, (tx, note) =>
    startSession(tx, note, deps, {
      userId: "usr_planned",
      method: "password",
      source: { address: "::1", userAgent: undefined },
    }),
  );
  const signedIn = { userId: "usr_planned", sessionId, role: "developer", epoch: 1 } as const;
  const { token } = await deps.accessTokens.issue(signedIn);
  for (const credential of [key, token, "usr_planned-token"]) {
    const principal = await identify(credential);
    assert.deepEqual([principal.plan, principal.overrides], [plan, { "user-minute": 3 }]);
    assert.deepEqual(principal.key?.plan, credential === key ? plan : undefined);
  }
});

test("no token asks to sign in, and a token that proves nothing is invalid", async () => {
  const { identify, deps } = await setting("usr_wrong");
  const { apiKey } = await issued(deps, "usr_wrong");
  await assert.rejects(identify(undefined), { code: "AUTH_REQUIRED" });
  for (const token of [
    "unknown",
    newKey("sk", deps.chance),
    newKey("it", deps.chance),
    formatKey("sk", apiKey.prefix, new Uint8Array(32)),
    apiKey.keyMasked,
    apiKey.prefix,
  ]) {
    await assert.rejects(identify(token), { code: "AUTH_INVALID" }, token);
  }
});

test("a verified identity is looked up once in its 30 seconds", async () => {
  const { identify, deps, clock, database, cache } = await setting("usr_cached");
  const { key } = await issued(deps, "usr_cached");
  const before = database.queries;
  for (let round = 0; round < 5; round++) await identify(key);
  clock.advance(29_999);
  await identify(key);
  assert.equal(database.queries - before, 1);
  clock.advance(1);
  await identify(key);
  assert.equal(database.queries - before, 2);
  assert.deepEqual(cache, ["miss", ...Array(5).fill("hit"), "expired"]);
});

test("a wall clock that is set back does not lengthen a cached identity's life", async () => {
  const { identify, deps, clock, cache } = await setting("usr_clock");
  const { key } = await issued(deps, "usr_clock");
  await identify(key);
  clock.step(-3_600_000);
  clock.advance(30_000);
  await identify(key);
  assert.deepEqual(cache, ["miss", "expired"]);
});

test("callers that come at the same time share one look-up", async () => {
  const { identify, deps, database } = await setting("usr_herd");
  const { key } = await issued(deps, "usr_herd");
  const before = database.queries;
  await Promise.all(Array.from({ length: 50 }, () => identify(key)));
  assert.equal(database.queries - before, 1);
});

test("only a token that was not good lately asks to be looked up, once for all who bring it at a time", async () => {
  const { identify, noticeEpoch, deps, clock } = await setting("usr_asking");
  const { key } = await issued(deps, "usr_asking");
  let asked = 0;
  const letLookUp = async () => {
    asked += 1;
  };
  await Promise.all(Array.from({ length: 20 }, () => identify(key, letLookUp)));
  assert.equal(asked, 1);
  noticeEpoch(await changeUser(deps.db, "usr_asking", { role: "viewer" }));
  await identify(key, letLookUp);
  clock.advance(30_000);
  await identify(key, letLookUp);
  assert.equal(asked, 1);
  const refusal = new Error("not now");
  await assert.rejects(
    identify(newKey("sk", deps.chance), () => Promise.reject(refusal)),
    refusal,
  );
});

test("a key ends at its own expiry to the millisecond, cached or not", async () => {
  const { identify, deps, clock } = await setting("usr_ending");
  const { key } = await issued(deps, "usr_ending", { expiresAt: new Date(clock.now() + 10_000) });
  await identify(key);
  clock.advance(9_999);
  await identify(key);
  clock.advance(1);
  await assert.rejects(identify(key), { code: "AUTH_INVALID" });
});

test("a revoked key is refused at the next request", async () => {
  const { identify, noticeEpoch, deps, cache } = await setting("usr_revoked");
  const { key, apiKey } = await issued(deps, "usr_revoked");
  await identify(key);
  await revokeApiKey(deps, tester, apiKey.prefix);
  noticeEpoch(await readEpoch(deps.db));
  await assert.rejects(identify(key), { code: "AUTH_INVALID" });
  assert.deepEqual(cache, ["miss", "stale_epoch"]);
});

test("a key that is revoked while it is being looked up is refused", async () => {
  const { identify, noticeEpoch, deps, database } = await setting("usr_race");
  const { key, apiKey } = await issued(deps, "usr_race");
  const lookUp = database.hold();
  const early = identify(key);
  await lookUp.reached;
  await revokeApiKey(deps, tester, apiKey.prefix);
  noticeEpoch(await readEpoch(deps.db));
  const late = identify(key);
  lookUp.release();
  await Promise.all([
    assert.rejects(early, { code: "AUTH_INVALID" }),
    assert.rejects(late, { code: "AUTH_INVALID" }),
  ]);
});

test("a stale identity is read afresh, past the cache", async () => {
  const { identify, identifyAfresh, deps } = await setting("usr_afresh");
  const { key, apiKey } = await issued(deps, "usr_afresh");
  const before = await identify(key);
  const epoch = await changeUser(deps.db, "usr_afresh", { role: "viewer" });
  assert.equal((await identify(key)).role, "developer");
  const after = await identifyAfresh(key, 0);
  assert.deepEqual([before.role, after.role, after.epoch], ["developer", "viewer", epoch]);
  assert.equal((await identify(key)).role, "viewer");
  await revokeApiKey(deps, tester, apiKey.prefix);
  await assert.rejects(identifyAfresh(key, 0), { code: "AUTH_INVALID" });
});

test("a demoted user's keys and tokens have the new role at the next request", async () => {
  const { identify, refreshEpoch, deps } = await setting("usr_demoted");
  const { key } = await issued(deps, "usr_demoted");
  for (const token of [key, "usr_demoted-token"]) assert.equal((await identify(token)).role, "developer");
  await changeUser(deps.db, "usr_demoted", { role: "viewer" });
  await refreshEpoch();
  for (const token of [key, "usr_demoted-token"]) assert.equal((await identify(token)).role, "viewer");
});

test("a user who is switched off is refused, by key and by token, until switched on again", async () => {
  const { identify, noticeEpoch, deps, clock } = await setting("usr_off");
  const { key } = await issued(deps, "usr_off");
  await identify(key);
  noticeEpoch(await changeUser(deps.db, "usr_off", { active: false }));
  for (const token of [key, "usr_off-token"]) await assert.rejects(identify(token), { code: "AUTH_INVALID" });
  noticeEpoch(await changeUser(deps.db, "usr_off", { active: true }));
  clock.advance(5_000);
  for (const token of [key, "usr_off-token"]) assert.equal((await identify(token)).userId, "usr_off");
});

test("a refused token is not looked up again for five seconds", async () => {
  const { identify, deps, clock, database, cache } = await setting("usr_garbage");
  const token = newKey("sk", deps.chance);
  const before = database.queries;
  for (let round = 0; round < 3; round++) await assert.rejects(identify(token), { code: "AUTH_INVALID" });
  clock.advance(4_999);
  await assert.rejects(identify(token), { code: "AUTH_INVALID" });
  assert.equal(database.queries - before, 1);
  clock.advance(1);
  await assert.rejects(identify(token), { code: "AUTH_INVALID" });
  assert.equal(database.queries - before, 2);
  assert.deepEqual(cache, ["miss", "negative", "negative", "negative", "miss"]);
});

test("a database that is away is never an invalid credential, and is asked again at once", async () => {
  const { identify, identifyAfresh, deps, clock, database } = await setting("usr_outage");
  const { key } = await issued(deps, "usr_outage");
  database.isDown = true;
  await assert.rejects(identify(key), { code: "STORE_UNAVAILABLE" });
  await assert.rejects(identifyAfresh(key, 0), { code: "STORE_UNAVAILABLE" });
  await assert.rejects(identify("usr_outage-token"), { code: "STORE_UNAVAILABLE" });
  database.isDown = false;
  await identify(key);
  database.isDown = true;
  await identify(key);
  clock.advance(30_000);
  await assert.rejects(identify(key), { code: "STORE_UNAVAILABLE" });
});

test("a token that was good is never taken for a guess while the database is away", async () => {
  const { identify, deps, clock, database } = await setting("usr_steady");
  const { key, apiKey } = await issued(deps, "usr_steady");
  await identify(key);
  clock.advance(30_000);
  database.isDown = true;
  const guess = () => Promise.reject(new Error("taken for a guess"));
  for (let count = 0; count < 3; count++) {
    await assert.rejects(identify(key, guess), { code: "STORE_UNAVAILABLE" });
  }
  database.isDown = false;
  await revokeApiKey(deps, tester, apiKey.prefix);
  await assert.rejects(identify(key, guess), { code: "AUTH_INVALID" });
});

test("a key shows when it was last used, and an older note never overwrites", async () => {
  const { identify, flushLastUse, deps, clock } = await setting("usr_used");
  const { key } = await issued(deps, "usr_used");
  const lastUse = async () => (await listApiKeys(deps, "usr_used"))[0]?.lastUsedAt?.getTime();
  await identify(key);
  assert.equal(await lastUse(), undefined);
  clock.advance(7_000);
  await identify(key);
  const usedAt = clock.now();
  await flushLastUse();
  assert.equal(await lastUse(), usedAt);
  clock.step(-60_000);
  await identify(key);
  await flushLastUse();
  assert.equal(await lastUse(), usedAt);
});

test("an older epoch changes nothing", async () => {
  const { identify, noticeEpoch, deps, cache } = await setting("usr_older");
  const { key } = await issued(deps, "usr_older");
  const { epoch } = await identify(key);
  noticeEpoch(epoch - 1);
  noticeEpoch(epoch);
  await identify(key);
  assert.deepEqual(cache, ["miss", "hit"]);
});

test("a database that was restored behind the shared epoch is brought up to it", async () => {
  const { identifyAfresh, deps } = await setting("usr_restored");
  const { key } = await issued(deps, "usr_restored");
  const principal = await identifyAfresh(key, 41);
  assert.equal(principal.epoch, 41);
  assert.equal(await readEpoch(deps.db), 41);
});

test("once the epoch is polled and cannot be read, an identity is believed for five seconds", async () => {
  const { identify, refreshEpoch, deps, clock, database } = await setting("usr_lost");
  const { key } = await issued(deps, "usr_lost");
  await identify(key);
  clock.advance(4_000);
  await refreshEpoch();
  database.isDown = true;
  clock.advance(5_000);
  await assert.rejects(refreshEpoch());
  assert.equal((await identify(key)).userId, "usr_lost");
  clock.advance(1);
  await assert.rejects(identify(key), { code: "STORE_UNAVAILABLE" });
  database.isDown = false;
  await refreshEpoch();
  assert.equal((await identify(key)).userId, "usr_lost");
});

test("who was refused and is let in again is let in at once", async () => {
  const { identify, noticeEpoch, deps } = await setting("usr_back");
  const { key } = await issued(deps, "usr_back");
  noticeEpoch(await changeUser(store.db, "usr_back", { active: false }));
  await assert.rejects(identify(key), { code: "AUTH_INVALID" });
  noticeEpoch(await changeUser(store.db, "usr_back", { active: true }));
  assert.equal((await identify(key)).userId, "usr_back");
});

test("a refusal that was read before a user was let in again is not kept", async () => {
  const { identify, noticeEpoch, deps, database } = await setting("usr_crossed");
  const { key } = await issued(deps, "usr_crossed");
  await changeUser(store.db, "usr_crossed", { active: false });
  const { reached, release } = database.hold();
  const asked = identify(key);
  await reached;
  noticeEpoch(await changeUser(store.db, "usr_crossed", { active: true }));
  release();
  assert.equal((await asked).userId, "usr_crossed");
});

test("a higher KEY_CACHE_EPOCH at a start drops what other instances have cached, once", async () => {
  const { identify, refreshEpoch, deps, cache } = await setting("usr_dropped");
  const { key } = await issued(deps, "usr_dropped");
  const start = async (epoch: number) => {
    await dropCachedIdentities(identityDeps(store.db, 900), tester, epoch);
    await refreshEpoch();
    await identify(key);
    return cache.at(-1);
  };
  await identify(key);
  const found = [await start(0), await start(7), await start(7), await start(3), await start(8)];
  assert.deepEqual(found, ["hit", "stale_epoch", "hit", "hit", "stale_epoch"]);
});
