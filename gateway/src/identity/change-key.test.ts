import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { TollgateError } from "../lib/errors.ts";
import { testStore } from "../store/testing.ts";
import { type ApiKey, findApiKey, type KeyPolicy } from "./api-keys.ts";
import { changeApiKey, rotateApiKey } from "./change-key.ts";
import { keyUsageOf, takeKeyQuota } from "./key-quota.ts";
import { revokeApiKey } from "./revoke-keys.ts";
import { identityDeps, issued, tester, userNamed } from "./testing.ts";
import { readEpoch } from "./users.ts";
import { verifyApiKey } from "./verify-key.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 1);
await userNamed(db, "usr_ann");

const rotate = (prefix: string, graceSeconds = 0) => rotateApiKey(deps, tester, prefix, { graceSeconds });
const change = (prefix: string, fields: Partial<KeyPolicy>) =>
  changeApiKey(deps, tester, prefix, (key) => ({ ...key, ...fields }));
const works = async (key: string) => (await verifyApiKey(deps, key, key.slice(7, 19))) !== undefined;
const status = async ({ prefix }: ApiKey) => (await findApiKey(deps, prefix))?.status;
const conflict = (error: TollgateError) => error.code === "CONFLICT";

test("both keys work during the grace, and the old one dies at its end, to the second", async () => {
  const old = await issued(deps, "usr_ann");
  const successor = await rotate(old.apiKey.prefix, 60);
  assert.equal(await status(old.apiKey), "rotating");
  deps.clock.advance(59_999);
  assert.deepEqual([await works(old.key), await works(successor.key)], [true, true]);
  deps.clock.advance(1);
  assert.deepEqual([await works(old.key), await works(successor.key)], [false, true]);
  assert.deepEqual([await status(old.apiKey), await status(successor.apiKey)], ["expired", "active"]);
});

test("without a grace the old key is dead when the new one is told", async () => {
  const old = await issued(deps, "usr_ann");
  await rotate(old.apiKey.prefix);
  assert.equal(await works(old.key), false);
});

test("a grace never lets a key outlive its own end", async () => {
  const expiresAt = new Date(deps.clock.now() + 10_000);
  const old = await issued(deps, "usr_ann", { expiresAt });
  const successor = await rotate(old.apiKey.prefix, 60);
  assert.deepEqual((await findApiKey(deps, old.apiKey.prefix))?.expiresAt, expiresAt);
  assert.deepEqual(successor.apiKey.expiresAt, expiresAt);
});

test("a successor allows what the old key allows, and says where it comes from", async () => {
  const old = await issued(deps, "usr_ann", {
    description: "x",
    dailyQuota: 5,
    allowedModels: ["openai/*"],
    allowedIps: ["192.0.2.0/24"],
  });
  const { apiKey } = await rotate(old.apiKey.prefix);
  const { id, prefix, keyMasked } = apiKey;
  assert.deepEqual(apiKey, { ...old.apiKey, id, prefix, keyMasked, rotatedFrom: old.apiKey.prefix });
});

test("a key and its successors share one quota, and whichever is changed changes it for all", async () => {
  const first = await issued(deps, "usr_ann", { dailyQuota: 3 });
  const second = await rotate(first.apiKey.prefix, 60);
  const third = await rotate(second.apiKey.prefix, 60);
  const day = "2026-01-01";
  const group = first.apiKey.id;
  assert.equal(third.apiKey.quotaGroup, group);
  for (const used of [1, 2, 3]) assert.equal(await takeKeyQuota(db, group, day, 1), used);
  assert.equal(await takeKeyQuota(db, group, day, 1), undefined);
  await change(third.apiKey.prefix, { dailyQuota: 4 });
  assert.equal(await takeKeyQuota(db, group, day, 1), 4);
  assert.equal(await keyUsageOf(db, group, day), 4);
  for (const { apiKey, key } of [first, second, third]) {
    const { dailyQuota, dailyUsage } = (await findApiKey(deps, apiKey.prefix))!;
    assert.deepEqual([dailyQuota, dailyUsage], [4, 4]);
    assert.equal((await verifyApiKey(deps, key, apiKey.prefix))?.principal.key?.dailyQuota, 4);
  }
});

test("of two rotations at once one wins, and a key has one successor for ever", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  const results = await Promise.allSettled(Array.from({ length: 5 }, () => rotate(apiKey.prefix, 60)));
  assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
  for (const result of results) if (result.status === "rejected") assert.ok(conflict(result.reason));
  await assert.rejects(rotate(apiKey.prefix, 60), conflict);
});

test("what is over is neither rotated nor changed, and an unknown key is not found", async () => {
  const revoked = await issued(deps, "usr_ann");
  await revokeApiKey(deps, tester, revoked.apiKey.prefix);
  const expired = await issued(deps, "usr_ann", { expiresAt: new Date(deps.clock.now()) });
  for (const { apiKey } of [revoked, expired]) {
    await assert.rejects(rotate(apiKey.prefix), conflict);
    await assert.rejects(change(apiKey.prefix, { expiresAt: null }), conflict);
  }
  await assert.rejects(rotate("unknown00000"), { code: "NOT_FOUND" });
  await assert.rejects(change("unknown00000", {}), { code: "NOT_FOUND" });
});

test("the end of a rotated key cannot be put off", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  await rotate(apiKey.prefix, 60);
  await assert.rejects(change(apiKey.prefix, { expiresAt: null }), conflict);
  assert.equal((await change(apiKey.prefix, { name: "old" })).name, "old");
});

test("a change touches the fields it names, and every cache must notice it", async () => {
  const { apiKey } = await issued(deps, "usr_ann", { dailyQuota: 5 });
  const before = await readEpoch(db);
  const fields = { name: "new", scopes: ["costs:read"], dailyQuota: null, allowedIps: ["192.0.2.0/24"] };
  assert.deepEqual(await change(apiKey.prefix, fields), { ...apiKey, ...fields });
  assert.equal(await readEpoch(db), before + 1);
  await change(apiKey.prefix, fields);
  assert.equal(await readEpoch(db), before + 1);
});

test("the audit log says what a rotation and a change did", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  const { apiKey: successor } = await rotate(apiKey.prefix, 60);
  await change(successor.prefix, { dailyQuota: 9 });
  const rows = await db.selectFrom("audit_entries").select("entry").orderBy("seq", "desc").limit(2).execute();
  const [changed, rotated] = rows.map(({ entry }) => JSON.parse(entry));
  assert.deepEqual(changed.changes, { daily_quota: [null, 9] });
  assert.deepEqual(rotated.target, { type: "key", id: apiKey.prefix });
  assert.deepEqual(rotated.changes.successor, [null, successor.prefix]);
});

test("what speaks against a rotation or a change leaves everything as it was", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const refuse = () => {
    throw new Error("no");
  };
  await assert.rejects(rotateApiKey(deps, tester, apiKey.prefix, { graceSeconds: 0, permit: refuse }), /no/);
  await assert.rejects(changeApiKey(deps, tester, apiKey.prefix, refuse), /no/);
  assert.deepEqual(await findApiKey(deps, apiKey.prefix), apiKey);
  assert.ok(await works(key));
});

test("changes of one chain at the same time lose nothing and never wait for each other for ever", async () => {
  const first = await issued(deps, "usr_ann", { dailyQuota: 1 });
  const second = await rotate(first.apiKey.prefix, 60);
  const work = Array.from({ length: 10 }, (_, round) => [
    change(first.apiKey.prefix, { dailyQuota: 100 }),
    changeApiKey(deps, tester, second.apiKey.prefix, (key) => ({ ...key, name: `${key.name}${round}` })),
  ]);
  await Promise.all(work.flat());
  const { name, dailyQuota } = (await findApiKey(deps, second.apiKey.prefix))!;
  assert.deepEqual([name.length, dailyQuota], ["test0123456789".length, 100]);
});
