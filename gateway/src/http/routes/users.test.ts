import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp } from "../../app.testing.ts";

let app: TestApp;
let boss: Person;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  boss = await app.person("admin");
});
after(() => app.close());

const send = (method: string, path: string, key: string, json?: unknown) =>
  app.fetch(path, { method, key, ...(json === undefined ? {} : { json }) });
const patch = (id: string, json: unknown, key = boss.token) => send("PATCH", `/admin/users/${id}`, key, json);

async function refused(response: Response, status: number, code: string): Promise<void> {
  const { error } = (await response.json()) as { error: { code: string } };
  assert.deepEqual([response.status, error.code], [status, code]);
}

test("an administrator lists all users page by page, and nobody else does", async () => {
  const ann = await app.person();
  const ids: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = cursor === "" ? "?limit=2" : `?limit=2&cursor=${cursor}`;
    const response = await send("GET", `/admin/users${query}`, boss.token);
    const page = (await response.json()) as { items: { id: string }[]; next_cursor: string | null };
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  assert.ok([boss.id, ann.id, "usr_dev"].every((id) => ids.includes(id)));
  assert.equal(new Set(ids).size, ids.length);
  await refused(await send("GET", "/admin/users", ann.token), 403, "SCOPE_MISSING");
  await refused(await send("GET", "/admin/users?cursor=x", boss.token), 400, "VALIDATION_FAILED");
});

test("a new role counts at the next request, for keys as well, and ends the user's sessions", async () => {
  const ann = await app.person();
  const key = await app.key({ userId: ann.id, scopes: ["inference:write"] });
  assert.equal((await app.chat(key)).status, 200);
  const changed = (await (await patch(ann.id, { role: "viewer" })).json()) as {
    role: string;
    active: boolean;
  };
  assert.deepEqual([changed.role, changed.active], ["viewer", true]);
  await refused(await app.chat(key), 403, "SCOPE_MISSING");
  await refused(await app.fetch("/auth/me", { key: ann.token }), 401, "AUTH_INVALID");
});

test("who is shut out is refused at the next request, and comes in again when let", async () => {
  const ann = await app.person();
  const key = await app.key({ userId: ann.id });
  const login = () =>
    app.fetch("/auth/login", { method: "POST", json: { email: ann.email, password: ann.password } });
  await patch(ann.id, { active: false });
  for (const token of [ann.token, key])
    await refused(await app.fetch("/auth/me", { key: token }), 401, "AUTH_INVALID");
  await refused(await login(), 401, "AUTH_INVALID");
  await patch(ann.id, { active: true });
  assert.equal((await login()).status, 200);
});

test("nobody changes their own role, by whatever credential", async () => {
  const key = await app.key({ userId: boss.id, scopes: ["admin:*"] });
  for (const token of [boss.token, key]) {
    await refused(await patch(boss.id, { role: "viewer" }, token), 403, "FORBIDDEN");
    await refused(await patch(boss.id, { active: false }, token), 403, "FORBIDDEN");
    await refused(await send("DELETE", `/admin/users/${boss.id}`, token), 403, "FORBIDDEN");
  }
  const ann = await app.person();
  await refused(await patch(ann.id, { role: "admin" }, ann.token), 403, "SCOPE_MISSING");
});

test("fields that are not an administrator's to set are refused, and change nothing", async () => {
  const ann = await app.person();
  for (const field of ["id", "email", "password_hash", "email_verified_at", "created_at", "user_role"]) {
    await refused(await patch(ann.id, { [field]: "x" }), 400, "VALIDATION_FAILED");
  }
  await refused(await patch(ann.id, { role: "owner" }), 400, "VALIDATION_FAILED");
  await refused(await patch("usr_nobody", { role: "viewer" }), 404, "NOT_FOUND");
  await refused(await send("GET", "/admin/users/usr_nobody", boss.token), 404, "NOT_FOUND");
});

test("two administrators who demote each other at once leave one", async () => {
  await using two = await testApp();
  const people = [await two.person("admin"), await two.person("admin")] as const;
  const demote = (by: Person, whom: Person) =>
    two.fetch(`/admin/users/${whom.id}`, { method: "PATCH", key: by.token, json: { role: "viewer" } });
  await Promise.all([demote(people[0], people[1]), demote(people[1], people[0])]);
  const admins = await two.store.db.selectFrom("users").select("id").where("role", "=", "admin").execute();
  assert.equal(admins.length, 1);
});

test("an erased user's data is nowhere, their keys and sessions are dead, and the ledger keeps the id", async () => {
  const ann = await app.person();
  const key = await app.key({ userId: ann.id });
  await app.chat(key);
  await app.fetch("/auth/me", { key: ann.token, headers: { "user-agent": "a very personal browser" } });
  assert.equal((await send("DELETE", `/admin/users/${ann.id}`, boss.token)).status, 204);
  for (const token of [ann.token, key])
    await refused(await app.fetch("/auth/me", { key: token }), 401, "AUTH_INVALID");
  await refused(await send("GET", `/admin/users/${ann.id}`, boss.token), 404, "NOT_FOUND");
  const tables = ["users", "sessions", "linked_accounts", "audit_personal", "audit_entries"] as const;
  for (const table of tables) {
    const dump = JSON.stringify(await app.store.db.selectFrom(table).selectAll().execute());
    assert.ok(!dump.includes(ann.email), table);
  }
  const runs = await app.store.db
    .selectFrom("prompt_runs")
    .select("id")
    .where("user_id", "=", ann.id)
    .execute();
  assert.equal(runs.length, 1);
  const again = { email: ann.email, name: "Somebody else", password: "password123" };
  assert.equal((await app.fetch("/auth/register", { method: "POST", json: again })).status, 201);
});

test("every change of an account leaves an entry that says who did it", async () => {
  const ann = await app.person();
  await patch(ann.id, { role: "manager", active: false });
  const entries = await app.store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  const ofAnn = entries
    .map(
      ({ entry }) =>
        JSON.parse(entry) as { action: string; actor: { id: string; type: string }; target: { id: string } },
    )
    .filter(({ target }) => target.id === ann.id);
  assert.deepEqual(
    ofAnn.map(({ action, actor }) => [action, actor.type, actor.id]),
    [
      ["user.create", "anonymous", "anonymous"],
      ["user.role_change", "user", boss.id],
      ["user.deactivate", "user", boss.id],
    ],
  );
});
