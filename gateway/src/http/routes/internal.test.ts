import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { scopes } from "../../access/permissions.ts";
import { type TestApp, testApp } from "../../app.testing.ts";
import { parseKey } from "../../identity/key.ts";

type Json = Record<string, unknown>;

const token = "internal-token-of-the-tests";
let app: TestApp;
before(async () => {
  app = await testApp({ INTERNAL_API_TOKEN: token });
});
after(() => app.close());

const look = (prefix: string, key: string = token) => app.fetch(`/internal/api-keys/${prefix}`, { key });
const report = (json: unknown) =>
  app.fetch("/internal/secret-scanning/revoke", { method: "POST", key: token, json });

async function entriesOf(prefix: string): Promise<Json[]> {
  const rows = await app.store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  return rows.map(({ entry }) => JSON.parse(entry)).filter(({ target }) => target.id === prefix);
}

test("the internal token sees a key's state, quota and owner, and nothing of its secret", async () => {
  const key = await app.key({ scopes: ["inference:write"], dailyQuota: 5 });
  const { prefix } = parseKey(key)!;
  await app.chat(key);
  const response = await look(prefix);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const text = await response.text();
  assert.ok(!text.includes(key.slice(20, 28)) && !text.includes("digest"));
  const shown = JSON.parse(text) as Json;
  const day = new Date().toISOString().slice(0, 10);
  assert.deepEqual(shown, {
    prefix,
    key_masked: `sk-tg1_${prefix}_****`,
    active: true,
    status: "active",
    scopes: ["inference:write"],
    daily_quota: 5,
    daily_usage: shown.daily_usage,
    usage_day: day,
    reset_at: new Date(Date.parse(day) + 86_400_000).toISOString(),
    owner: { user_id: "usr_dev", project_id: null },
    expires_at: null,
    last_used_at: shown.last_used_at,
    created_at: shown.created_at,
    rotated_from: null,
    cooldown_until: null,
  });
  const entry = (await entriesOf(prefix))[1]!;
  assert.deepEqual([entry.action, (entry.actor as Json).type], ["key.introspect", "internal"]);
});

test("a key of a user who was shut out is not active", async () => {
  const { id } = await app.person();
  const { prefix } = parseKey(await app.key({ userId: id }))!;
  await app.store.db.updateTable("users").set({ active: false }).where("id", "=", id).execute();
  assert.equal(((await (await look(prefix)).json()) as Json).active, false);
});

test("an unknown prefix is not found and noted; what is no prefix is not found and nowhere noted", async () => {
  assert.equal((await look("unknown00000")).status, 404);
  assert.equal((await entriesOf("unknown00000")).length, 1);
  const key = await app.key();
  for (const text of ["x", key, "unknown0000%00"]) {
    assert.equal((await look(text)).status, 404);
    assert.deepEqual(await entriesOf(text), []);
  }
});

test("an administrator's key opens nothing here", async () => {
  const { id } = await app.person("admin");
  const key = await app.key({ userId: id, scopes: [...scopes] });
  assert.equal((await look(parseKey(key)!.prefix, key)).status, 403);
});

test("a key found in public is refused from the next request on", async () => {
  const key = await app.key();
  const { prefix } = parseKey(key)!;
  const url = "https://example.com/found";
  const response = await report([{ token: key, type: "tollgate_api_key", url }, { token: "sk-other" }]);
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), [
    { prefix, revoked: true },
    { prefix: null, revoked: false },
  ]);
  assert.equal((await app.chat(key)).status, 401);
  const entry = (await entriesOf(prefix)).at(-1);
  assert.deepEqual([entry?.action, entry?.reason], ["key.leak_report", `leaked: ${url}`]);
  assert.equal(((await (await look(prefix)).json()) as Json).status, "revoked");
});

test("a report has at most a hundred items, of a token and where it was", async () => {
  assert.equal((await report(Array.from({ length: 101 }, () => ({ token: "x" })))).status, 400);
  assert.equal((await report([{ token: "x", user: "y" }])).status, 400);
  assert.deepEqual(await (await report([])).json(), []);
});
