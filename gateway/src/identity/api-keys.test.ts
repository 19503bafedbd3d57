import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sql } from "kysely";
import { hmacSha256 } from "../lib/secrets.ts";
import { testStore } from "../store/testing.ts";
import { findApiKey, listApiKeys, revokeApiKey } from "./api-keys.ts";
import { identityDeps, issued, testPepper, userNamed } from "./testing.ts";
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

test("keys are listed by user, in the order in which they were made", async () => {
  const mine = await issued(deps, "usr_bob", { name: "first" });
  await issued(deps, "usr_ann");
  await issued(deps, "usr_bob", { name: "second" });
  const names = (await listApiKeys(deps, "usr_bob")).map(({ name }) => name);
  assert.deepEqual(names, ["first", "second"]);
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
  await revokeApiKey(deps, apiKey.prefix);
  assert.equal(await status(), "revoked");
});

test("only the first revocation counts: it raises the epoch and keeps its time", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  const before = await readEpoch(store.db);
  const epoch = await revokeApiKey(deps, apiKey.prefix);
  assert.equal(epoch, before + 1);
  const { revokedAt } = (await findApiKey(deps, apiKey.prefix))!;
  deps.clock.advance(1_000);
  assert.equal(await revokeApiKey(deps, apiKey.prefix), undefined);
  assert.equal(await revokeApiKey(deps, "unknown00000"), undefined);
  assert.deepEqual((await findApiKey(deps, apiKey.prefix))?.revokedAt, revokedAt);
  assert.equal(await readEpoch(store.db), epoch);
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
