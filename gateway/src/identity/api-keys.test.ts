import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sql } from "kysely";
import { hmacSha256 } from "../lib/secrets.ts";
import { testStore } from "../store/testing.ts";
import { findApiKey, findApiKeyById, listApiKeys } from "./api-keys.ts";
import { revokeApiKey, revokeKeysOfProject } from "./revoke-keys.ts";
import { identityDeps, issued, tester, testPepper, userNamed } from "./testing.ts";
import { ensureUsers, readEpoch } from "./users.ts";

const store = await testStore();
after(() => store.close());
const deps = identityDeps(store.db, 1);
await userNamed(store.db, "usr_ann");
await userNamed(store.db, "usr_bob");

test("a key's secret is nowhere in the database, only its peppered digest", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const { rows } = await sql<{ row: string; digest: Uint8Array }>`
    select to_jsonb(api_keys)::text as row, digest from api_keys where prefix = ${apiKey.prefix}`.execute(
    store.db,
  );
  const secret = key.slice(20);
  assert.ok(!rows[0]!.row.includes(secret.slice(0, 8)));
  assert.deepEqual(Buffer.from(rows[0]!.digest), hmacSha256(testPepper, key));
});

test("what is shown of a key never holds its secret or its digest", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann", { name: "shown" });
  const digest = hmacSha256(testPepper, key);
  const shown = [apiKey, await findApiKey(deps, apiKey.prefix), ...(await listApiKeys(deps))];
  for (const one of shown) {
    const json = JSON.stringify(one);
    for (const secret of [key.slice(20), digest.toString("hex"), digest.toString("base64"), "digest"])
      assert.ok(!json.includes(secret));
  }
  assert.equal(apiKey.keyMasked, `sk-tg1_${apiKey.prefix}_****`);
});

test("a key is shown with all that it allows", async () => {
  const policy = {
    name: "whole",
    description: "for the nightly run",
    scopes: ["costs:read"],
    projectId: null,
    dailyQuota: 7,
    expiresAt: new Date(deps.clock.now() + 1_000),
    allowedModels: ["openai/*"],
    allowedIps: ["192.0.2.0/24"],
  };
  const { apiKey } = await issued(deps, "usr_ann", policy);
  assert.deepEqual({ ...apiKey, ...policy }, apiKey);
  assert.deepEqual(await findApiKeyById(deps, apiKey.id), apiKey);
});

test("keys are listed by user, in the order in which they were made, in parts if asked", async () => {
  const mine = await issued(deps, "usr_bob", { name: "first" });
  await issued(deps, "usr_ann");
  await issued(deps, "usr_bob", { name: "second" });
  const names = async (part = {}) => (await listApiKeys(deps, "usr_bob", part)).map(({ name }) => name);
  assert.deepEqual(await names(), ["first", "second"]);
  assert.deepEqual(await names({ limit: 1 }), ["first"]);
  assert.deepEqual(await names({ afterId: mine.apiKey.id, limit: 2 }), ["second"]);
  assert.deepEqual(await findApiKey(deps, mine.apiKey.prefix), mine.apiKey);
  assert.equal(await findApiKey(deps, "unknown00000"), undefined);
});

test("a key is active, expired or revoked, and revoked counts most", async () => {
  const expiresAt = new Date(deps.clock.now() + 1_000);
  const { apiKey } = await issued(deps, "usr_ann", { expiresAt });
  const status = async () => (await findApiKey(deps, apiKey.prefix))?.status;
  assert.equal(await status(), "active");
  deps.clock.advance(1_000);
  assert.equal(await status(), "expired");
  await revokeApiKey(deps, tester, apiKey.prefix);
  assert.equal(await status(), "revoked");
});

test("only the first revocation counts: it raises the epoch and keeps its time and reason", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  const before = await readEpoch(store.db);
  assert.equal(await revokeApiKey(deps, tester, apiKey.prefix, "lost"), true);
  assert.equal(await readEpoch(store.db), before + 1);
  const revoked = await findApiKey(deps, apiKey.prefix);
  assert.equal(revoked?.revokeReason, "lost");
  deps.clock.advance(1_000);
  assert.equal(await revokeApiKey(deps, tester, apiKey.prefix, "again"), false);
  assert.equal(await revokeApiKey(deps, tester, "unknown00000"), false);
  assert.deepEqual(await findApiKey(deps, apiKey.prefix), revoked);
  assert.equal(await readEpoch(store.db), before + 1);
});

test("with a project its live keys are revoked, and no others", async () => {
  const { id: projectId } = await store.db
    .insertInto("projects")
    .values({ name: "Apollo", owner_id: "usr_ann", created_at: new Date(0) })
    .returning("id")
    .executeTakeFirstOrThrow();
  const bound = [await issued(deps, "usr_ann", { projectId }), await issued(deps, "usr_bob", { projectId })];
  const over = await issued(deps, "usr_ann", { projectId });
  const free = await issued(deps, "usr_ann");
  await revokeApiKey(deps, tester, over.apiKey.prefix, "lost");
  const revoke = () =>
    store.db.transaction().execute((tx) => revokeKeysOfProject({ tx, clock: deps.clock }, projectId));
  const prefixes = bound.map(({ apiKey }) => apiKey.prefix);
  assert.deepEqual((await revoke()).toSorted(), prefixes.toSorted());
  assert.deepEqual(await revoke(), []);
  const reasons = [...bound, over, free].map(
    async ({ apiKey }) => (await findApiKey(deps, apiKey.prefix))?.revokeReason,
  );
  assert.deepEqual(await Promise.all(reasons), ["project deleted", "project deleted", "lost", null]);
});

test("users behind static tokens exist as developers, and existing ones stay as they are", async () => {
  await userNamed(store.db, "usr_boss", "admin");
  await ensureUsers(deps, ["usr_boss", "usr_new"]);
  await ensureUsers(deps, ["usr_new"]);
  await ensureUsers(deps, []);
  const rows = await store.db
    .selectFrom("users")
    .select(["id", "role"])
    .where("id", "in", ["usr_boss", "usr_new"])
    .orderBy("id")
    .execute();
  assert.deepEqual(rows, [
    { id: "usr_boss", role: "admin" },
    { id: "usr_new", role: "developer" },
  ]);
});
