import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testStore } from "../store/testing.ts";
import { findApiKey } from "./api-keys.ts";
import { formatKey } from "./key.ts";
import { revokeLeakedKeys } from "./leaked-keys.ts";
import { identityDeps, issued, tester, userNamed, watched } from "./testing.ts";

const store = await testStore();
after(() => store.close());
const deps = identityDeps(store.db, 1);
await userNamed(store.db, "usr_ann");

async function entries(): Promise<string[]> {
  const rows = await store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  return rows.map(({ entry }) => entry);
}

test("a leaked key is revoked, and the log says where it was found, without its secret", async () => {
  const { key, apiKey } = await issued(deps, "usr_ann");
  const url = `https://example.com/search?q=key_${key}`;
  const answers = await revokeLeakedKeys(deps, tester, [{ token: key, url }, { token: key }]);
  const revoked = { prefix: apiKey.prefix, revoked: true };
  assert.deepEqual(answers, [revoked, revoked]);
  assert.equal((await findApiKey(deps, apiKey.prefix))?.revokeReason, "leaked");
  const log = await entries();
  assert.ok(log.at(-1)!.includes("https://example.com/search"));
  assert.ok(!log.join().includes(key.slice(20)));
  assert.deepEqual(await revokeLeakedKeys(deps, tester, [{ token: key }]), [revoked]);
  assert.equal((await entries()).length, log.length);
});

test("only who knows the whole secret revokes a key", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  const guessed = formatKey("sk", apiKey.prefix, Buffer.alloc(32, 1));
  const unknown = formatKey("sk", "unknown00000", Buffer.alloc(32, 1));
  const answers = await revokeLeakedKeys(deps, tester, [{ token: guessed }, { token: unknown }]);
  assert.deepEqual(answers, [
    { prefix: apiKey.prefix, revoked: false },
    { prefix: "unknown00000", revoked: false },
  ]);
  assert.equal((await findApiKey(deps, apiKey.prefix))?.status, "active");
});

test("what is no key by its form and checksum is not looked up", async () => {
  const database = watched(store.db);
  const { change, ...rest } = identityDeps(database.db, 2);
  const { key } = await issued(deps, "usr_ann");
  const reports = [
    "",
    "sk-proj-abc",
    `${key.slice(0, -1)}!`,
    `${key.slice(0, -1)}${key.endsWith("0") ? 1 : 0}`,
  ];
  const answers = await revokeLeakedKeys(
    { change, ...rest },
    tester,
    reports.map((token) => ({ token })),
  );
  assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assert.deepEqual([answers[0], database.queries], [{ prefix: null, revoked: false }, 0]);
});
