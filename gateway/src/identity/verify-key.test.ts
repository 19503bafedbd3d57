import assert from "node:assert/strict";
import { after, test } from "node:test";
import { hmacSha256 } from "../lib/secrets.ts";
import { testStore } from "../store/testing.ts";
import { identityDeps, issued, userNamed, watched } from "./testing.ts";
import { verifyApiKey } from "./verify-key.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = identityDeps(db, 1);
await userNamed(db, "usr_ann");
const oldPepper = deps.peppers[0]!;
const newPepper = Buffer.alloc(32, 7);

async function digestOf(prefix: string): Promise<Buffer> {
  const row = await db
    .selectFrom("api_keys")
    .select("digest")
    .where("prefix", "=", prefix)
    .executeTakeFirst();
  return Buffer.from(row!.digest);
}

test("a key of an older pepper works, and has a digest of the new one from its first use on", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const changed = { ...deps, peppers: [newPepper, oldPepper] };
  assert.ok(await verifyApiKey(changed, key, apiKey.prefix));
  assert.deepEqual(await digestOf(apiKey.prefix), hmacSha256(newPepper, key));
  assert.ok(await verifyApiKey({ ...deps, peppers: [newPepper] }, key, apiKey.prefix));
});

test("a digest that cannot be written now fails no call", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const database = watched(db);
  const { reached, release } = database.hold();
  const verified = verifyApiKey(
    { ...deps, db: database.db, peppers: [newPepper, oldPepper] },
    key,
    apiKey.prefix,
  );
  await reached;
  database.isDown = true;
  release();
  assert.equal((await verified)?.principal.userId, "usr_ann");
  assert.deepEqual(await digestOf(apiKey.prefix), hmacSha256(oldPepper, key));
});
