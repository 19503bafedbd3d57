import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sql } from "kysely";
import { testStore } from "../store/testing.ts";
import { erasePersonal } from "./audit.personal.ts";
import { ann, appendEntries, auditDeps, chainOf, storedEntries, testMacKey } from "./audit.testing.ts";
import { CHAIN, commitmentOf } from "./audit.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = auditDeps(db);

const head = () => db.selectFrom("audit_chain_heads").selectAll().executeTakeFirstOrThrow();

async function assertChained(): Promise<void> {
  const stored = await storedEntries(db);
  const texts = stored.map(({ entry }) => entry);
  const bare = stored.map(({ seq, hash, mac }) => ({ seq, hash, mac }));
  assert.deepEqual(bare, chainOf(texts, testMacKey));
  const last = bare.at(-1)!;
  assert.deepEqual(await head(), { chain: CHAIN, seq: last.seq, hash: last.hash });
}

test("every entry is chained to the one before it, as anybody can compute from the texts", async () => {
  await appendEntries(deps, 3);
  await deps.change({ actor: { type: "system", id: "settings" } }, async (_tx, note) => {
    note({ action: "budget.change", target: { type: "project", id: "1" }, reason: "täglich €" });
  });
  await assertChained();
});

test("sixteen writers at once append one chain without forks", async () => {
  const before = (await head()).seq;
  const writing = async (writer: number) => {
    const own = auditDeps(db, 100 + writer);
    for (let written = 0; written < 10; written++) await appendEntries(own, 1 + (written % 3));
  };
  await Promise.all(Array.from({ length: 16 }, (_, writer) => writing(writer)));
  assert.equal((await head()).seq, before + 16 * 19);
  await assertChained();
});

test("an entry is never changed, deleted or truncated", async () => {
  await appendEntries(deps, 1);
  const before = await storedEntries(db);
  for (const statement of [
    sql`update audit_entries set entry = '{}' where seq = 1`,
    sql`update audit_entries set seq = seq + 1000`,
    sql`delete from audit_entries where seq = 1`,
    sql`truncate audit_entries cascade`,
  ]) {
    await assert.rejects(statement.execute(db), /audit entries are never changed/);
  }
  assert.deepEqual(await storedEntries(db), before);
});

test("personal data stands beside the entry, which commits to it and does not hold it", async () => {
  await deps.change(ann, async (_tx, note) => {
    const person = { userId: "usr_eve", email: "eve@example.com" };
    note({ action: "session.login", target: { type: "user", id: "usr_eve" }, person });
  });
  const { entry, seq } = (await storedEntries(db)).at(-1)!;
  assert.doesNotMatch(entry, /192\.0\.2\.1|test\/1|eve@example/);
  const { salt, data, user_id } = await db
    .selectFrom("audit_personal")
    .selectAll()
    .where("seq", "=", seq)
    .executeTakeFirstOrThrow();
  assert.equal(user_id, "usr_eve");
  assert.deepEqual(JSON.parse(data), { address: "192.0.2.1", userAgent: "test/1", email: "eve@example.com" });
  assert.equal(salt.length, 16);
  assert.equal(commitmentOf(salt, data), JSON.parse(entry).personal);
});

test("a user's personal data is erased, nobody else's, and no entry changes", async () => {
  await appendEntries(deps, 1);
  await deps.change({ ...ann, actor: { type: "user", id: "usr_bob" } }, async (_tx, note) => {
    note({ action: "session.login", target: { type: "user", id: "usr_bob" } });
  });
  const before = await storedEntries(db);
  const owners = async () =>
    (await db.selectFrom("audit_personal").select("user_id").orderBy("seq").execute()).map(
      (row) => row.user_id,
    );
  const others = (await owners()).filter((id) => id !== "usr_bob");
  assert.equal(await db.transaction().execute((tx) => erasePersonal(tx, "usr_bob")), 1);
  assert.equal(await db.transaction().execute((tx) => erasePersonal(tx, "usr_bob")), 0);
  assert.deepEqual(await owners(), others);
  assert.deepEqual(await storedEntries(db), before);
});

test("characters that the database refuses in JSON do not stop a change", async () => {
  const name = "a\0b\ud800c";
  await deps.change({ ...ann, source: { address: "::1", userAgent: name } }, async (_tx, note) => {
    note({ action: "team.update", target: { type: "team", id: name }, changes: { name: [null, name] } });
  });
  const { entry } = (await storedEntries(db)).at(-1)!;
  assert.deepEqual(JSON.parse(entry).changes, { name: [null, "a\ufffdb\ufffdc"] });
  await assertChained();
});

test("a change of any number of rows leaves all its entries", async () => {
  const before = (await head()).seq;
  await deps.change({ ...ann, source: { address: "192.0.2.1", userAgent: undefined } }, async (_tx, note) => {
    for (let row = 0; row < 14_000; row++) {
      note({ action: "session.revoke", target: { type: "session", id: String(row) } });
    }
  });
  assert.equal((await head()).seq, before + 14_000);
});
