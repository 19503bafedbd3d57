import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Person, type TestApp, testApp } from "../../app.testing.ts";
import { until } from "../../lib/until.testing.ts";

const internalToken = "internal-token-of-the-tests";
let app: TestApp;
let boss: Person;
before(async () => {
  app = await testApp({
    ABUSE_VALIDATION_FAILURES: "2",
    ABUSE_INVALID_CREDENTIALS: "2",
    INTERNAL_API_TOKEN: internalToken,
  });
  boss = await app.person("admin");
});
after(() => app.close());

type Item = { kind: string; subject: string; until: string };
const list = async () =>
  ((await (await app.fetch("/admin/cooldowns", { key: boss.token })).json()) as { items: Item[] }).items;
const clear = (kind: string, subject: string) =>
  app.fetch(`/admin/cooldowns/${kind}/${encodeURIComponent(subject)}`, { method: "DELETE", key: boss.token });

async function heldAs(kind: string): Promise<Item> {
  const held = async () => (await list()).find((item) => item.kind === kind);
  await until(async () => (await held()) !== undefined);
  return (await held())!;
}

test("an administrator sees whose key is held, ends it, and it goes on at once", async () => {
  const key = await app.key();
  for (let round = 0; round < 2; round++) await app.chat(key, { messages: [] });
  const held = await heldAs("key");
  assert.equal(held.subject, key.slice(7, 19));
  assert.ok(Date.parse(held.until) > Date.now());
  assert.equal((await app.chat(key)).status, 429);
  const shown = await app.fetch(`/internal/api-keys/${held.subject}`, { key: internalToken });
  assert.equal(((await shown.json()) as { cooldown_until: string }).cooldown_until, held.until);
  assert.equal((await clear("key", held.subject)).status, 204);
  assert.equal((await app.chat(key)).status, 200);
  assert.equal((await clear("key", "AbCdEf012345")).status, 404);
});

test("an address is shown by a one-way name, and cleared by itself or by that", async () => {
  for (const by of ["name", "address"]) {
    for (let round = 0; round < 2; round++) await app.fetch("/v1/models", { key: `guess-${by}-${round}` });
    const held = await heldAs("address");
    assert.match(held.subject, /^[\w-]{16}$/);
    assert.equal((await clear("address", by === "name" ? held.subject : "127.0.0.1")).status, 204);
    assert.deepEqual(await list(), []);
  }
});

test("a kind that does not exist is a fault of the request", async () => {
  assert.equal((await clear("planet", "earth")).status, 400);
});
