import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { type Asking, ask, told } from "./ask.ts";
import { type Instances, startInstances } from "./instances.ts";
import { CHAT, chat, freshUser, shapedEnv } from "./limit-shapes.ts";
import { issueKey, newAdministrator, type Person } from "./people.ts";
import { newStores, type Stores, withoutStores } from "./stores.ts";

const skip = withoutStores();
const OFFICE = "203.0.113.7";
const FIRST_MS = 1_000;

let stores: Stores;
let instances: Instances;
let admin: Person;
let a = "";
let b = "";

before(async () => {
  if (skip !== false) return;
  stores = await newStores();
  instances = await startInstances(2, {
    ...stores.env,
    ...shapedEnv,
    ABUSE_MODE: "enforce",
    ABUSE_VALIDATION_FAILURES: "3",
    ABUSE_VALIDATION_FAILURES_COOLDOWN_SECONDS: String(FIRST_MS / 1_000),
    ABUSE_INVALID_CREDENTIALS: "5",
  });
  [a = "", b = ""] = instances.urls;
  admin = await newAdministrator(a, instances.setupToken!);
});
after(async () => {
  await instances?.[Symbol.asyncDispose]();
  await stores?.[Symbol.asyncDispose]();
});

/** Three bad bodies to both instances together; answers when the cooldown ends, milliseconds since the epoch. */
async function provoke(token: string): Promise<{ readonly begunAt: number; readonly resetAt: number }> {
  const begunAt = Date.now();
  for (const url of [a, b, a]) {
    assert.equal((await ask(url, CHAT, chat(token, { messages: [] }))).code, "VALIDATION_FAILED");
  }
  let resetAt = 0;
  await until(async () => {
    const { code, text } = await ask(b, CHAT, chat(token));
    if (code === "COOLDOWN") resetAt = Date.parse(JSON.parse(text).error.resetAt);
    return code === "COOLDOWN";
  });
  return { begunAt, resetAt };
}

/** It lasts as long as it should, on both, is not prolonged by those who ask meanwhile, and ends by itself. */
async function assertLasts(
  token: string,
  { begunAt, resetAt }: { begunAt: number; resetAt: number },
  ms: number,
) {
  assert.ok(resetAt > begunAt + ms && resetAt < begunAt + ms + 500, `${resetAt - begunAt} of ${ms} ms`);
  while (Date.now() < resetAt - 150) {
    for (const url of [a, b]) {
      const { code, headers, text } = await ask(url, CHAT, chat(token));
      assert.equal(code, "COOLDOWN");
      assert.equal(Date.parse(JSON.parse(text).error.resetAt), resetAt);
      assert.ok(Number(headers.get("retry-after")) >= 1);
    }
  }
  await until(() => Date.now() >= resetAt);
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, chat(token))).status, 200);
}

const cooldowns = async () => {
  const { items } = await told<{ items: readonly { kind: string; subject: string; until: string }[] }>(
    ...([b, "GET /admin/cooldowns", { token: admin.token }] as const),
  );
  return items;
};

test("bad requests to two instances count together; a cooldown ends on time, and the next lasts twice as long", {
  skip,
}, async () => {
  const owner = freshUser();
  const [bad, good] = [await issueKey(a, owner), await issueKey(a, owner)];
  const first = await provoke(bad.key);
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, chat(good.key))).status, 200);
  await assertLasts(bad.key, first, FIRST_MS);
  await assertLasts(bad.key, await provoke(bad.key), 2 * FIRST_MS);
});

test("an administrator sees who is held and lets go; what had been is forgotten then", { skip }, async () => {
  const { key, prefix } = await issueKey(a, freshUser());
  const { resetAt } = await provoke(key);
  const until = new Date(resetAt).toISOString();
  assert.deepEqual(
    (await cooldowns()).filter(({ subject }) => subject === prefix),
    [{ kind: "key", subject: prefix, until }],
  );
  await told(a, `DELETE /admin/cooldowns/key/${prefix}`, { token: admin.token });
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, chat(key))).status, 200);
  assert.equal((await cooldowns()).length, 0);
  await assertLasts(key, await provoke(key), FIRST_MS);
});

test("an address that tries credentials is held on every instance; a valid one that is known goes on", {
  skip,
}, async () => {
  const { key } = await issueKey(a, freshUser());
  const fromOffice = (asking: Asking): Asking => ({ ...asking, from: OFFICE });
  const known = fromOffice(chat(key));
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, known)).status, 200);
  let guesses = 0;
  const guess = async (url: string) =>
    (await ask(url, "GET /v1/models", fromOffice({ token: `guess-${guesses++}` }))).code;
  for (let i = 0; i < 5; i++) assert.equal(await guess(instances.url(i)), "AUTH_INVALID");
  // While it is held, one look-up a second goes on.
  for (const url of [a, b]) await until(async () => (await guess(url)) === "COOLDOWN");
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, known)).status, 200);
  assert.equal((await ask(a, "GET /v1/models", { token: "guess-elsewhere" })).code, "AUTH_INVALID");

  const held = (await cooldowns()).filter(({ kind }) => kind === "address");
  assert.equal(held.length, 1);
  assert.doesNotMatch(held[0]!.subject, /203/);
  await told(b, `DELETE /admin/cooldowns/address/${OFFICE}`, { token: admin.token });
  for (const url of [a, b]) assert.equal(await guess(url), "AUTH_INVALID");
});
