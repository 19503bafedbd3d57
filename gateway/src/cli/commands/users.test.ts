import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { setUp } from "../../identity/setup.ts";
import { tester, userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);

type Json = Record<string, unknown>;
const run = async (name: string, input: unknown = {}) => (await runDataCommand(deps, name, input)) as Json;
const userOf = (id: unknown) =>
  db.selectFrom("users").selectAll().where("id", "=", String(id)).executeTakeFirstOrThrow();

beforeEach(async () => {
  await db.deleteFrom("users").execute();
  await db.updateTable("auth_state").set({ setup_digest: null }).execute();
});

test("the command line makes the first administrator, and then no set-up token does", async () => {
  const { token } = await run("users offer-setup");
  const { id, password, role } = await run("users create", { email: "Boss@Example.com", role: "admin" });
  assert.equal(role, "admin");
  const { password_hash } = await userOf(id);
  assert.ok((await deps.passwords.verify(password_hash, password as string)).matches);
  const late = { token: token as string, email: "late@example.com", name: "Late", password: "password123" };
  await assert.rejects(setUp(deps, tester, late), { code: "NOT_FOUND" });
  await assert.rejects(run("users offer-setup"), /administrator already/);
});

test("making somebody administrator by role ends the offer too", async () => {
  await run("users offer-setup");
  await userNamed(db, "usr_ann");
  await run("users set-role", { user: "usr_ann", role: "admin" });
  const { setup_digest } = await db.selectFrom("auth_state").selectAll().executeTakeFirstOrThrow();
  assert.equal(setup_digest, null);
});

test("users are found by id and by address, and the only administrator cannot be demoted", async () => {
  const { id } = await run("users create", { email: "boss@example.com", role: "admin" });
  await assert.rejects(run("users set-role", { user: "BOSS@example.com", role: "viewer" }), {
    code: "CONFLICT",
  });
  await assert.rejects(run("users erase", { user: id }), { code: "CONFLICT" });
  await run("users create", { email: "second@example.com", role: "admin" });
  await run("users set-role", { user: "BOSS@example.com", role: "viewer" });
  assert.equal((await userOf(id)).role, "viewer");
  await assert.rejects(run("users set-role", { user: "usr_nobody", role: "viewer" }), /no user usr_nobody/);
  await assert.rejects(run("users set-role", { user: id, role: "king" }), /role/);
});

test("a lost password is replaced by a generated one", async () => {
  const { id, password: first } = await run("users create", { email: "ann@example.com" });
  const { password: second } = await run("users reset-password", { user: "ann@example.com" });
  assert.notEqual(first, second);
  const { password_hash } = await userOf(id);
  assert.ok((await deps.passwords.verify(password_hash, second as string)).matches);
  assert.ok(!(await deps.passwords.verify(password_hash, first as string)).matches);
});

test("an address is taken once, and an erased one is free again", async () => {
  const { id } = await run("users create", { email: "ann@example.com" });
  await assert.rejects(run("users create", { email: "Ann@example.com" }), { code: "EMAIL_TAKEN" });
  await run("users erase", { user: id });
  await run("users create", { email: "ann@example.com" });
  const { items } = (await run("users list")) as { items: { email: string }[] };
  assert.deepEqual(
    items.map(({ email }) => email),
    ["ann@example.com"],
  );
});

test("a user is shown, shut out with every session, and let in again", async () => {
  const { id } = await run("users create", { email: "ann@example.com", name: "Ann" });
  const shown = await run("users show", { user: "ann@example.com" });
  assert.deepEqual(
    [shown.id, shown.name, shown.role, shown.plan, shown.active],
    [id, "Ann", "developer", "default", true],
  );
  assert.equal((await run("users disable", { user: id })).active, false);
  assert.equal((await userOf(id)).active, false);
  assert.equal((await run("users enable", { user: "ann@example.com" })).active, true);
  const rows = await db.selectFrom("audit_entries").select("entry").orderBy("seq", "desc").limit(2).execute();
  assert.deepEqual(
    rows.map(({ entry }) => (JSON.parse(entry) as Json).action),
    ["user.activate", "user.deactivate"],
  );
});
