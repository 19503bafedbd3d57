import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { scopes, scopesOfRole } from "../../access/permissions.ts";
import { type TestApp, testApp } from "../../app.testing.ts";
import { raiseEpoch } from "../../identity/users.ts";
import { until } from "../../lib/until.testing.ts";

type Json = Record<string, unknown>;
type Issued = Json & { readonly id: number; readonly prefix: string; readonly key: string };
type Person = Awaited<ReturnType<TestApp["person"]>>;

let app: TestApp;
let ann: Person;
let bob: Person;
let admin: Person;

before(async () => {
  const off = { KEY_RATE_LIMIT_PER_MINUTE: "", ABUSE_MODE: "off" };
  app = await testApp(off);
  ann = await app.person();
  bob = await app.person();
  admin = await app.person("admin");
});
after(() => app.close());

async function ask(token: string, method: string, path: string, json?: unknown) {
  const response = await app.fetch(path, { method, key: token, ...(json === undefined ? {} : { json }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: (text && JSON.parse(text)) as Json };
}

async function issue(token: string, fields: Json = {}): Promise<Issued> {
  const { status, body } = await ask(token, "POST", "/auth/api-keys", { name: "test", ...fields });
  assert.equal(status, 201, JSON.stringify(body));
  return body as Issued;
}

type Told = { readonly status: number; readonly body: Json };
const errorOf = ({ body }: Told) => body.error as Json & { details?: { path: string }[] };

async function refused(asked: Promise<Told>, status: number, code: string): Promise<Json> {
  const told = await asked;
  assert.deepEqual([told.status, errorOf(told)?.code], [status, code], JSON.stringify(told.body));
  return errorOf(told);
}

test("a key is made, used, changed, rotated and revoked", async () => {
  const made = await ask(ann.token, "POST", "/auth/api-keys", {
    name: "ci",
    description: "nightly",
    scopes: ["inference:write"],
    daily_quota: 50,
    expires_at: "2099-01-01T00:00:00+01:00",
    allowed_models: ["sim-echo"],
    allowed_ips: ["127.0.0.1", "10.1.2.3/8"],
  });
  const { key, ...shown } = made.body as Issued;
  assert.equal(made.headers.get("cache-control"), "no-store");
  assert.deepEqual(shown, {
    id: shown.id,
    prefix: key.slice(7, 19),
    key_masked: `sk-tg1_${key.slice(7, 19)}_****`,
    name: "ci",
    description: "nightly",
    user_id: ann.id,
    project_id: null,
    scopes: ["inference:write"],
    status: "active",
    daily_quota: 50,
    plan: null,
    daily_usage: 0,
    allowed_models: ["sim-echo"],
    allowed_ips: ["127.0.0.1/32", "10.0.0.0/8"],
    created_at: shown.created_at,
    expires_at: "2098-12-31T23:00:00.000Z",
    last_used_at: null,
    revoked_at: null,
    revoke_reason: null,
    rotated_from: null,
  });
  const path = `/auth/api-keys/${shown.id}`;
  assert.equal((await app.chat(key)).status, 200);
  const seen = await ask(ann.token, "GET", path);
  assert.equal(seen.body.key, undefined);

  const changed = await ask(ann.token, "PATCH", path, { name: "new", allowed_models: null });
  assert.deepEqual(
    [changed.status, changed.body.name, changed.body.allowed_models, changed.body.description],
    [200, "new", null, "nightly"],
  );
  const rotated = await ask(ann.token, "POST", `${path}/rotate`, { grace_seconds: 3_600 });
  const successor = rotated.body as Issued;
  assert.deepEqual([rotated.status, rotated.headers.get("cache-control")], [201, "no-store"]);
  assert.deepEqual([successor.name, successor.rotated_from], ["new", shown.prefix]);
  assert.equal((await ask(ann.token, "GET", path)).body.status, "rotating");
  for (const live of [key, successor.key]) assert.equal((await app.chat(live)).status, 200);
  await refused(ask(ann.token, "POST", `${path}/rotate`), 409, "CONFLICT");

  assert.equal((await ask(ann.token, "DELETE", `${path}?reason=lost`)).status, 204);
  assert.equal((await app.chat(key)).status, 401);
  assert.equal((await app.chat(successor.key)).status, 200);
  const { status, revoke_reason: reason } = (await ask(ann.token, "GET", path)).body;
  assert.deepEqual([status, reason], ["revoked", "lost"]);
  assert.equal((await ask(ann.token, "DELETE", path)).status, 204);
  await refused(ask(ann.token, "PATCH", path, { name: "x" }), 409, "CONFLICT");
});

test("a rotation without a body ends the old key at once", async () => {
  const { id, key } = await issue(ann.token);
  const { body } = await ask(ann.token, "POST", `/auth/api-keys/${id}/rotate`);
  assert.deepEqual([(await app.chat(key)).status, (await app.chat(body.key as string)).status], [401, 200]);
});

test("without scopes named a key has all that its maker has, and with none it has none", async () => {
  assert.deepEqual((await issue(ann.token)).scopes, [...scopesOfRole.developer]);
  const manager = await app.key({ userId: ann.id, scopes: ["keys:manage", "costs:read"] });
  assert.deepEqual((await issue(manager)).scopes, ["costs:read", "keys:manage"]);
  assert.deepEqual((await issue(ann.token, { scopes: [] })).scopes, []);
});

test("no way leads to wider rights", async (t) => {
  const wide = await issue(ann.token);
  const narrow = await issue(ann.token, { scopes: ["keys:manage"] });
  const wider: readonly (readonly [string, () => Promise<Told>, string])[] = [
    [
      "a key with a scope that it lacks",
      () => ask(narrow.key, "POST", "/auth/api-keys", { name: "x", scopes: ["inference:write"] }),
      "inference:write",
    ],
    [
      "a scope added to itself",
      () =>
        ask(narrow.key, "PATCH", `/auth/api-keys/${narrow.id}`, { scopes: ["keys:manage", "costs:read"] }),
      "costs:read",
    ],
    [
      "the successor of a wider key",
      () => ask(narrow.key, "POST", `/auth/api-keys/${wide.id}/rotate`, { grace_seconds: 60 }),
      "inference:write",
    ],
    [
      "a limit taken from a wider key",
      () => ask(narrow.key, "PATCH", `/auth/api-keys/${wide.id}`, { daily_quota: null }),
      "inference:write",
    ],
    [
      "an administrator's key",
      () => ask(ann.token, "POST", "/auth/api-keys", { name: "x", scopes: ["admin:*"] }),
      "admin:*",
    ],
    ["other people's keys", () => ask(ann.token, "GET", `/auth/api-keys?user_id=${bob.id}`), "admin:*"],
  ];
  for (const [what, attempt, scope] of wider) {
    await t.test(what, async () => {
      assert.equal((await refused(attempt(), 403, "SCOPE_MISSING")).requiredScope, scope);
    });
  }
  await t.test("an app's key beside its user", async () => {
    const app_ = await app.key({ scopes: ["inference:write"] });
    const response = await app.fetch("/auth/api-keys", {
      method: "POST",
      key: ann.token,
      headers: { "x-api-key": app_ },
      json: { name: "x" },
    });
    assert.equal(response.status, 403);
  });
  await t.test("keys of a user who was demoted", async () => {
    const eve = await app.person();
    const { key } = await issue(eve.token);
    await app.store.db.transaction().execute(async (tx) => {
      await tx.updateTable("users").set({ role: "viewer" }).where("id", "=", eve.id).execute();
      await raiseEpoch(tx);
    });
    const path = "/auth/api-keys";
    // Within the second in which every instance has heard of it.
    await until(async () => (await ask(key, "GET", path)).status === 403);
    const error = await refused(ask(key, "POST", path, { name: "x" }), 403, "SCOPE_MISSING");
    assert.equal(error.requiredScope, "keys:manage");
  });
});

test("a key that is itself limited lists and revokes keys, and neither makes nor changes them", async (t) => {
  const project = await ask(ann.token, "POST", "/projects/", { name: "Apollo" });
  for (const limit of [
    { project_id: project.body.id },
    { daily_quota: 1_000 },
    { expires_at: "2099-01-01T00:00:00Z" },
    { allowed_models: ["sim-echo"] },
    { allowed_ips: ["127.0.0.0/8"] },
  ]) {
    await t.test(Object.keys(limit).join(), async () => {
      const { key, id } = await issue(ann.token, limit);
      const other = `/auth/api-keys/${(await issue(ann.token, { scopes: [] })).id}`;
      await refused(ask(key, "POST", "/auth/api-keys", { name: "x", scopes: [] }), 403, "FORBIDDEN");
      await refused(ask(key, "PATCH", `/auth/api-keys/${id}`, { daily_quota: null }), 403, "FORBIDDEN");
      for (const path of [other, `/auth/api-keys/${id}`]) {
        await refused(ask(key, "POST", `${path}/rotate`), 403, "FORBIDDEN");
      }
      assert.equal((await ask(key, "GET", "/auth/api-keys")).status, 200);
      assert.equal((await ask(key, "DELETE", other)).status, 204);
    });
  }
});

test("another's key answers as one that is not there, byte for byte", async () => {
  const { id } = await issue(ann.token);
  const same = (body: Json) => JSON.stringify(body).replace(/"correlationId":"[^"]*"/, "");
  for (const [method, suffix, json] of [
    ["GET", ""],
    ["PATCH", "", { name: "x" }],
    ["DELETE", ""],
    ["POST", "/rotate", {}],
  ] as const) {
    const foreign = await ask(bob.token, method, `/auth/api-keys/${id}${suffix}`, json);
    const unknown = await ask(bob.token, method, `/auth/api-keys/999999999${suffix}`, json);
    assert.deepEqual([foreign.status, same(foreign.body)], [404, same(unknown.body)], method);
  }
  await refused(ask(bob.token, "GET", "/auth/api-keys/x"), 404, "NOT_FOUND");
  assert.equal((await ask(ann.token, "GET", `/auth/api-keys/${id}`)).body.status, "active");
});

test("a list holds one's own keys only, page by page", async () => {
  const eve = await app.person();
  const made = [await issue(eve.token), await issue(eve.token), await issue(eve.token)].map(({ id }) => id);
  const first = (await ask(eve.token, "GET", "/auth/api-keys?limit=2")).body;
  const rest = (await ask(eve.token, "GET", `/auth/api-keys?limit=2&cursor=${first.next_cursor}`)).body;
  const items = [...(first.items as Json[]), ...(rest.items as Json[])];
  assert.deepEqual([items.map(({ id }) => id), rest.next_cursor], [made, null]);
  assert.ok(items.every((key) => key.user_id === eve.id && !("key" in key)));
  await refused(
    ask(bob.token, "GET", `/auth/api-keys?cursor=${first.next_cursor}`),
    400,
    "VALIDATION_FAILED",
  );
});

test("an administrator sees and revokes everybody's keys, and neither changes nor rotates them", async () => {
  const { id, key } = await issue(ann.token);
  const path = `/auth/api-keys/${id}`;
  assert.equal((await ask(admin.token, "GET", path)).body.user_id, ann.id);
  const { items } = (await ask(admin.token, "GET", `/auth/api-keys?user_id=${ann.id}&limit=200`)).body;
  assert.ok((items as Json[]).some((item) => item.id === id));
  await refused(ask(admin.token, "PATCH", path, { name: "x" }), 403, "FORBIDDEN");
  await refused(ask(admin.token, "POST", `${path}/rotate`), 403, "FORBIDDEN");
  assert.equal((await ask(admin.token, "DELETE", path)).status, 204);
  assert.equal((await app.chat(key)).status, 401);
});

test("what is not a caller's to set is refused by its name", async () => {
  const { id } = await issue(ann.token);
  for (const field of [
    "user_id",
    "created_by",
    "quota_group",
    "daily_usage",
    "revoked_at",
    "prefix",
    "digest",
    "id",
  ]) {
    for (const [method, path] of [
      ["POST", ""],
      ["PATCH", `/${id}`],
    ] as const) {
      const asked = ask(ann.token, method, `/auth/api-keys${path}`, { name: "x", [field]: "y" });
      const error = await refused(asked, 400, "VALIDATION_FAILED");
      assert.ok(JSON.stringify(error).includes(field));
    }
  }
});

test("a bad field is refused with its path", async () => {
  for (const [fields, path] of [
    [{ name: "" }, "name"],
    [{ scopes: ["inference:write", "root"] }, "scopes[1]"],
    [{ daily_quota: -1 }, "daily_quota"],
    [{ daily_quota: 1.5 }, "daily_quota"],
    [{ expires_at: "tomorrow" }, "expires_at"],
    [{ expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
    [{ allowed_ips: ["10.0.0.0/8", "10.0.0.0/33"] }, "allowed_ips[1]"],
    [{ allowed_models: ["a b"] }, "allowed_models[0]"],
    [{ project_id: 0 }, "project_id"],
  ] as const) {
    const asked = await ask(ann.token, "POST", "/auth/api-keys", { name: "test", ...fields });
    assert.equal(asked.status, 400);
    assert.deepEqual(
      errorOf(asked).details?.map((fault) => fault.path),
      [path],
    );
  }
  const { id } = await issue(ann.token);
  for (const grace_seconds of [-1, 604_801, "1"]) {
    const asked = ask(ann.token, "POST", `/auth/api-keys/${id}/rotate`, { grace_seconds });
    await refused(asked, 400, "VALIDATION_FAILED");
  }
});

test("a key is bound only to a project that its owner may spend in", async () => {
  const { id: project_id } = (await ask(ann.token, "POST", "/projects/", { name: "Apollo" })).body;
  const bound = await issue(ann.token, { project_id });
  assert.equal(bound.project_id, project_id);
  await refused(ask(bob.token, "POST", "/auth/api-keys", { name: "x", project_id }), 404, "NOT_FOUND");
  const { id } = await issue(bob.token);
  await refused(ask(bob.token, "PATCH", `/auth/api-keys/${id}`, { project_id }), 404, "NOT_FOUND");
});

test("a key and its successor use one daily quota", async () => {
  const { id, key } = await issue(ann.token, { daily_quota: 3 });
  assert.equal((await app.chat(key)).status, 200);
  const { body } = await ask(ann.token, "POST", `/auth/api-keys/${id}/rotate`, { graceSeconds: 60 });
  const successor = body.key as string;
  const statuses = [];
  for (const one of [successor, key, successor, key]) statuses.push((await app.chat(one)).status);
  assert.deepEqual(statuses, [200, 200, 429, 429]);
});

test("the calls of a key without a daily quota are not counted, and nobody says that they are none", async () => {
  const { id, key } = await issue(ann.token);
  assert.equal((await app.chat(key)).status, 200);
  const path = `/auth/api-keys/${id}`;
  assert.equal((await ask(ann.token, "GET", path)).body.daily_usage, null);
  assert.equal((await ask(ann.token, "PATCH", path, { daily_quota: 5 })).body.daily_usage, 0);
});

test("a key with more than its maker has is refused with what is lacking", async () => {
  const path = "/auth/api-keys";
  for (const [wanted, told] of [
    [{ scopes: ["admin:*"] }, /more rights than who hands it out: you lack the scope admin:\*/],
    [{ plan: "pro" }, /^Administrators give a key its plan: you lack the scope admin:\*/],
  ] as const) {
    const error = await refused(ask(ann.token, "POST", path, { name: "x", ...wanted }), 403, "SCOPE_MISSING");
    assert.equal(error.requiredScope, "admin:*");
    assert.match(String(error.message), told);
  }
});

test("a key calls only the models that it is allowed, and sees no others", async () => {
  const { id, key } = await issue(ann.token, { allowed_models: ["sim-echo"], daily_quota: 1 });
  const other = await app.chat(key, { model: "sim-fixed" });
  const { error } = (await other.json()) as { error: Json };
  assert.deepEqual([other.status, error.code, error.model], [403, "MODEL_NOT_ALLOWED", "sim-fixed"]);
  assert.match(String(error.message), /GET \/v1\/models/);
  const { data } = (await ask(key, "GET", "/v1/models")).body as { data: { id: string }[] };
  assert.deepEqual(
    data.map((model) => model.id),
    ["sim-echo"],
  );
  assert.equal((await app.chat(key)).status, 200, "the refused call has used none of the quota");
  await ask(ann.token, "PATCH", `/auth/api-keys/${id}`, {
    allowed_models: ["simulated/*"],
    daily_quota: null,
  });
  assert.equal((await app.chat(key, { model: "sim-fixed" })).status, 200);
});

test("a key works only from the networks that it is allowed", async () => {
  const { id, key } = await issue(ann.token, { allowed_ips: ["127.0.0.1"] });
  assert.equal((await app.chat(key)).status, 200);
  await ask(ann.token, "PATCH", `/auth/api-keys/${id}`, { allowed_ips: ["192.0.2.0/24", "2001:db8::/32"] });
  const response = await app.chat(key);
  const { error } = (await response.json()) as { error: Json };
  assert.deepEqual([response.status, error.code], [403, "ADDRESS_NOT_ALLOWED"]);
});

test("nothing that is kept holds a key: not the database, not the audit log, not the server's log", async () => {
  const { id, key } = await issue(ann.token, { description: "searched for" });
  const { body } = await ask(ann.token, "POST", `/auth/api-keys/${id}/rotate`, { grace_seconds: 60 });
  const keys = [key, body.key as string];
  for (const one of keys) await app.chat(one);
  await app.chat(`${key.slice(0, -1)}x`);
  const kept = [JSON.stringify(app.logs())];
  for (const table of [
    "api_keys",
    "audit_entries",
    "audit_personal",
    "prompt_runs",
    "reservations",
  ] as const) {
    kept.push(JSON.stringify(await app.store.db.selectFrom(table).selectAll().execute()));
  }
  for (const one of keys) {
    const secret = one.slice(20, 63);
    assert.ok(kept.every((text) => !text.includes(secret)));
    assert.ok(kept[2]!.includes(one.slice(7, 19)), "the audit log names it by its prefix");
  }
});

test("every change to a key leaves its entry, and who made it", async () => {
  const { id, prefix } = await issue(ann.token);
  await ask(ann.token, "PATCH", `/auth/api-keys/${id}`, { name: "renamed" });
  await ask(ann.token, "POST", `/auth/api-keys/${id}/rotate`, { grace_seconds: 60 });
  await ask(ann.token, "DELETE", `/auth/api-keys/${id}`);
  const rows = await app.store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  const entries = rows.map(({ entry }) => JSON.parse(entry)).filter(({ target }) => target.id === prefix);
  assert.deepEqual(
    entries.map(({ action }) => action),
    ["key.issue", "key.update", "key.rotate", "key.revoke"],
  );
  assert.ok(entries.every(({ actor }) => actor.type === "user" && actor.id === ann.id));
  assert.deepEqual(entries[1].changes, { name: ["test", "renamed"] });
});

test("there is no scope that a key cannot be given by who has them all", async () => {
  assert.deepEqual((await issue(admin.token)).scopes, [...scopes]);
});

test("a key ends before the year 10000 in UTC, and no ISO time is more than the server can take", async () => {
  for (const [expires_at, status] of [
    ["9999-12-31T23:59:59.999Z", 201],
    ["9999-12-31T23:59:59-00:01", 400],
    ["9999-12-31T23:59:59-23:59", 400],
    ["0000-01-01T00:00:00Z", 400],
    ["0000-01-01T00:00:00+23:59", 400],
    ["2030-02-28T23:59:00Z", 201],
    ["2030-02-28T23:59:59.123456789123456789+05:30", 201],
  ] as const) {
    const asked = await ask(ann.token, "POST", "/auth/api-keys", { name: "test", expires_at });
    assert.equal(asked.status, status, expires_at);
    const { id } = await issue(ann.token);
    const changed = await ask(ann.token, "PATCH", `/auth/api-keys/${id}`, { expires_at });
    assert.equal(changed.status, status === 201 ? 200 : 400, expires_at);
  }
  assert.equal((await ask(ann.token, "GET", "/auth/api-keys?limit=100")).status, 200);
});
