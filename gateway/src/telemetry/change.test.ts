import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { readEpoch } from "../identity/users.ts";
import { testStore } from "../store/testing.ts";
import { type Action, actions, changesIdentities } from "./actions.ts";
import { ann, auditDeps, storedEntries } from "./audit.testing.ts";
import type { Noted } from "./change.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = auditDeps(db);
const { change, announced } = deps;

const noteOf = (action: Action): Noted => ({ action, target: { type: "user", id: "usr_bob" } });
const insertUser = (tx: typeof db, id: string) =>
  tx
    .insertInto("users")
    .values({ id, name: id, role: "developer", created_at: new Date(0) })
    .execute();
const userIds = async () =>
  (await db.selectFrom("users").select("id").orderBy("id").execute()).map(({ id }) => id);

beforeEach(async () => {
  await db.deleteFrom("users").execute();
  announced.length = 0;
});

test("a change and its entry are there together, and the entry says who, what, whom, when and by which request", async () => {
  const before = (await storedEntries(db)).length;
  const changed = { role: ["viewer", "admin"] } as const;
  const answer = await change(ann, async (tx, note) => {
    await insertUser(tx, "usr_bob");
    note({ ...noteOf("user.role_change"), changes: changed, reason: "asked for", outcome: "denied" });
    return "done";
  });
  assert.equal(answer, "done");
  assert.deepEqual(await userIds(), ["usr_bob"]);
  const entries = (await storedEntries(db)).slice(before);
  assert.equal(entries.length, 1);
  const { id, personal, ...entry } = JSON.parse(entries[0]!.entry);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(personal.length, 43);
  assert.deepEqual(entry, {
    v: 1,
    chain: "main",
    seq: before + 1,
    at: "2026-01-01T00:00:00.000Z",
    action: "user.role_change",
    outcome: "denied",
    reason: "asked for",
    actor: ann.actor,
    target: { type: "user", id: "usr_bob" },
    changes: changed,
    request: ann.request,
  });
});

test("work that throws changes nothing, leaves no entry and is announced to nobody", async () => {
  const before = [await storedEntries(db), await readEpoch(db)];
  const failing = change(ann, async (tx, note) => {
    await insertUser(tx, "usr_bob");
    note(noteOf("user.role_change"));
    throw new Error("the work fails");
  });
  await assert.rejects(failing, /the work fails/);
  assert.deepEqual([await storedEntries(db), await readEpoch(db)], before);
  assert.deepEqual([await userIds(), announced], [[], []]);
});

test("a change whose entry cannot be written is undone, and so is the epoch", async () => {
  const epoch = await readEpoch(db);
  await sql`alter table audit_entries add constraint full_disk check (false) not valid`.execute(db);
  const failing = change(ann, async (tx, note) => {
    await insertUser(tx, "usr_bob");
    note(noteOf("user.role_change"));
  });
  await assert.rejects(failing, /full_disk/);
  await sql`alter table audit_entries drop constraint full_disk`.execute(db);
  assert.deepEqual([await userIds(), await readEpoch(db), announced], [[], epoch, []]);
});

test("the epoch is raised once by a change that cached identities must notice, and by no other", async () => {
  for (const action of Object.keys(actions) as Action[]) {
    const before = await readEpoch(db);
    announced.length = 0;
    await change(ann, async (_tx, note) => {
      note(noteOf("team.create"));
      note(noteOf(action));
      note(noteOf(action));
    });
    const expected = changesIdentities(action) ? [before + 1] : [];
    assert.deepEqual(announced, expected, action);
    assert.equal(await readEpoch(db), before + expected.length, action);
  }
});

test("a change is announced when it can be read, and not before", async () => {
  const seen: (readonly string[])[] = [];
  const announcing = auditDeps(db, 2, { announce: async () => void seen.push(await userIds()) });
  await announcing.change(ann, async (tx, note) => {
    await insertUser(tx, "usr_bob");
    note(noteOf("user.role_change"));
    assert.deepEqual(seen, []);
  });
  assert.deepEqual(seen, [["usr_bob"]]);
});

test("work that notes nothing leaves no entry, and what it did stays", async () => {
  const before = await storedEntries(db);
  await change(ann, async (tx) => void (await insertUser(tx, "usr_bob")));
  assert.deepEqual(await storedEntries(db), before);
  assert.deepEqual(await userIds(), ["usr_bob"]);
});

test("work that collides with another change is begun once more, with nothing left of the first time", async () => {
  for (const [code, times] of [
    ["40P01", 1],
    ["40001", 1],
    ["40P01", 2],
    ["23505", 1],
  ] as const) {
    const before = (await storedEntries(db)).length;
    let tries = 0;
    const changing = change(ann, async (tx, note) => {
      tries += 1;
      await insertUser(tx, `usr_${code}_${times}`);
      note(noteOf("user.create"));
      if (tries <= times) throw Object.assign(new Error("collided"), { code });
    });
    const succeeds = code !== "23505" && times === 1;
    if (succeeds) await changing;
    else await assert.rejects(changing, { code });
    assert.equal(tries, code === "23505" ? 1 : 2);
    assert.equal((await storedEntries(db)).length, before + (succeeds ? 1 : 0));
  }
  assert.deepEqual(await userIds(), ["usr_40001_1", "usr_40P01_1"]);
});
