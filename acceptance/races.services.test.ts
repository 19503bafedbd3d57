import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { derivedKey } from "../gateway/src/lib/secrets.ts";
import { until } from "../gateway/src/lib/until.testing.ts";
import { verifyAudit } from "../gateway/src/telemetry/audit.testing.ts";
import { ask, atOnce, type Reply, tally } from "./ask.ts";
import { watchHealth } from "./health.ts";
import { type Instances, startInstances } from "./instances.ts";
import { type IssuedKey, isSignedIn, issueKey, newPerson, type Person, signIn } from "./people.ts";
import { newStores, SECRET_KEY, type Stores, withoutStores } from "./stores.ts";
import { within } from "./within.ts";

const skip = withoutStores();
const GRACE_SECONDS = 3;
const LONGEST_HEALTH_MS = 250;

const BCRYPT_OF_PASSWORD123 = "$2b$10$xGlPimvPPYjWtY/Gs4X9KuWn4IF8ow0Tj8O6zCOLAQN93H2zwMVUa";

let stores: Stores;
let instances: Instances;
let a = "";
let b = "";

before(async () => {
  if (skip !== false) return;
  stores = await newStores();
  instances = await startInstances(2, {
    ...stores.env,
    REFRESH_GRACE_SECONDS: String(GRACE_SECONDS),
    REGISTRATION_ATTEMPTS_PER_ADDRESS: "1000",
  });
  [a = "", b = ""] = instances.urls;
});
after(async () => {
  await instances?.[Symbol.asyncDispose]();
  await stores?.[Symbol.asyncDispose]();
});

async function administrators(): Promise<number> {
  const found = await stores.db.selectFrom("users").select("id").where("role", "=", "admin").execute();
  return found.length;
}

test("of 30 that set up at once over two instances one becomes the administrator", { skip }, async () => {
  const token = instances.setupToken!;
  const replies = await atOnce(30, (index) => {
    const json = { token, email: `admin${index}@example.com`, name: "Admin", password: "password123" };
    return ask(instances.url(index), "POST /auth/setup", { json });
  });
  assert.deepEqual(tally(replies), { 201: 1, 404: 29 });
  assert.equal(await administrators(), 1);
});

test("of four instances that start at once one makes the administrator of the settings", {
  skip,
}, async () => {
  await using fresh = await newStores();
  const account = { email: "boot@example.com", password: "password of the settings" };
  await using four = await startInstances(4, {
    ...fresh.env,
    BOOTSTRAP_ADMIN_EMAIL: account.email,
    BOOTSTRAP_ADMIN_PASSWORD: account.password,
  });
  const found = await fresh.db.selectFrom("users").select("email").where("role", "=", "admin").execute();
  assert.deepEqual(found, [{ email: account.email }]);
  assert.equal(four.setupToken, undefined);
  for (const url of four.urls) await signIn(url, account);
});

test("of 30 that register one e-mail at once over two instances one gets it", { skip }, async () => {
  const replies = await atOnce(30, (index) => {
    const email = index % 3 === 0 ? "Wanted@Example.com" : "wanted@example.com";
    return ask(instances.url(index), "POST /auth/register", {
      json: { email, name: `Number ${index}`, password: "password123" },
    });
  });
  assert.deepEqual(tally(replies), { 201: 1, 409: 29 });
  assert.ok(replies.every(({ code }) => code === undefined || code === "EMAIL_TAKEN"));
});

test("50 refreshes of one token at once over two instances give one successor", { skip }, async () => {
  const { refreshToken } = await newPerson(a, "storm");
  const replies = await atOnce(50, (index) => refresh(instances.url(index), refreshToken));
  assert.deepEqual(tally(replies), { 200: 50 });
  assert.equal(new Set(replies.map((reply) => tokensIn(reply).refresh)).size, 1);
});

test("a used refresh token that comes back after the grace ends the session everywhere", {
  skip,
}, async () => {
  const person = await newPerson(a, "replay");
  const usedAt = performance.now();
  const next = tokensIn(await refresh(a, person.refreshToken));
  await until(() => performance.now() - usedAt > GRACE_SECONDS * 1_000 + 100);
  const thieves = await atOnce(10, (index) => refresh(instances.url(index), person.refreshToken));
  assert.deepEqual(tally(thieves), { 401: 10 });
  for (const url of instances.urls) {
    assert.equal((await refresh(url, next.refresh)).status, 401);
    for (const token of [person.token, next.access]) assert.equal(await isSignedIn(url, token), false);
  }
});

test("a token that was followed twice ends the session at once, within the grace too", { skip }, async () => {
  const person = await newPerson(a, "followed");
  const second = tokensIn(await refresh(a, person.refreshToken));
  const third = tokensIn(await refresh(b, second.refresh));
  assert.equal((await refresh(b, person.refreshToken)).status, 401);
  for (const url of instances.urls) assert.equal(await isSignedIn(url, third.access), false);
});

test("of 200 wrong passwords at once over two instances exactly 5 are looked at", { skip }, async (t) => {
  await newPerson(a, "guessed");
  const health = await watchHealth(instances.urls);
  const replies = await atOnce(200, (index) =>
    ask(instances.url(index), "POST /auth/login", {
      from: "203.0.113.1",
      json: { email: "guessed@example.com", password: `guess number ${index}` },
    }),
  );
  const usualMs = await health.stop();
  t.diagnostic(`9 of 10 answers of /healthz came within ${Math.round(usualMs)} ms`);
  assert.deepEqual(tally(replies), { 401: 5, 429: 195 });
  assert.ok(usualMs < LONGEST_HEALTH_MS, `/healthz took ${usualMs} ms`);
});

test("of 200 unknown e-mails at once from one address 30 are looked at", { skip }, async (t) => {
  const health = await watchHealth(instances.urls);
  const replies = await atOnce(200, (index) =>
    ask(instances.url(index), "POST /auth/login", {
      from: "203.0.113.2",
      json: { email: `nobody${index}@example.com`, password: "password123" },
    }),
  );
  const usualMs = await health.stop();
  t.diagnostic(`9 of 10 answers of /healthz came within ${Math.round(usualMs)} ms`);
  assert.deepEqual(tally(replies), { 401: 30, 429: 170 });
  assert.ok(usualMs < LONGEST_HEALTH_MS, `/healthz took ${usualMs} ms`);
});

test("more sign-ins than can be hashed are told to come back, and lose nothing by it", { skip }, async () => {
  const people: Person[] = [];
  for (let index = 0; index < 20; index++) people.push(await newPerson(a, `crowd${index}`));
  const attempt = (index: number): Promise<Reply> => {
    const { email, password } = people[index % people.length]!;
    const from = `198.51.100.${index + 1}`;
    return ask(a, "POST /auth/login", { from, json: { email, password } });
  };
  const refused = new Set<number>();
  for (let round = 0; round < 6; round++) {
    for (const [index, reply] of (await atOnce(80, attempt)).entries()) {
      if (reply.status === 200) continue;
      assert.equal(reply.code, "OVERLOADED", reply.text);
      assert.ok(Number(reply.headers.get("retry-after")) >= 1);
      assert.equal(reply.headers.get("x-should-retry"), "true");
      refused.add(index);
    }
  }
  assert.ok(refused.size > 0);
  for (const index of refused) assert.equal((await attempt(index)).status, 200);
});

test("a right password signs in everybody who sends it while its old hash is being replaced", {
  skip,
}, async () => {
  const person = await newPerson(a, "bcrypt");
  const old = { password_hash: BCRYPT_OF_PASSWORD123 };
  await stores.db.updateTable("users").set(old).where("id", "=", person.id).execute();
  const { email, password } = person;
  const attempt = (index: number, text: string) =>
    ask(instances.url(index), "POST /auth/login", {
      from: `198.51.100.${200 + index}`,
      json: { email, password: text },
    });
  assert.deepEqual(tally(await atOnce(10, (index) => attempt(index, password))), { 200: 10 });
  const { password_hash: stored } = await stores.db
    .selectFrom("users")
    .select("password_hash")
    .where("id", "=", person.id)
    .executeTakeFirstOrThrow();
  assert.match(stored!, /^\$argon2id\$/);
  for (const hash of [stored!, BCRYPT_OF_PASSWORD123]) assert.equal((await attempt(0, hash)).status, 401);
});

test("of two rotations of one key at once one is made", { skip }, async () => {
  const person = await newPerson(a, "twice");
  for (let round = 0; round < 5; round++) {
    const { id } = await issueKey(a, person);
    const line = `POST /auth/api-keys/${id}/rotate`;
    const replies = await atOnce(2, (index) => ask(instances.url(index), line, { token: person.token }));
    assert.deepEqual(tally(replies), { 201: 1, 409: 1 });
  }
});

test("after kill -9 in a burst of changes every acknowledged one is there, and in the log", {
  skip,
}, async () => {
  const person = await newPerson(b, "killed");
  const issued: IssuedKey[] = [];
  const [killed] = instances.servers;
  const asked = atOnce(200, (index) =>
    issueKey(a, person, { name: `key ${index}` }).then(
      (key) => void issued.push(key),
      () => undefined,
    ),
  );
  await until(() => issued.length >= 40);
  await killed!.kill("SIGKILL");
  await within(5_000, asked);
  assert.ok(issued.length < 200, "the kill came too late to prove anything");
  for (const { id, key } of issued) {
    assert.equal((await ask(b, "GET /auth/me", { token: key })).status, 200);
    assert.equal((await ask(b, `GET /auth/api-keys/${id}`, { token: person.token })).status, 200);
  }
  await using again = await startInstances(1, stores.env);
  assert.ok(await isSignedIn(again.url(0), person.token));
  const macKeys = [derivedKey(Buffer.from(SECRET_KEY), "audit-mac")];
  assert.deepEqual((await verifyAudit({ db: stores.db, macKeys })).problems, []);
  const noted = await stores.db
    .selectFrom("audit_entries")
    .select("entry")
    .where("entry", "like", '%"key.issue"%')
    .execute();
  for (const { prefix } of issued)
    assert.equal(noted.filter(({ entry }) => entry.includes(prefix)).length, 1);
});

function refresh(url: string, refreshToken: string): Promise<Reply> {
  return ask(url, "POST /auth/refresh", { json: { refresh_token: refreshToken } });
}

function tokensIn({ text }: Reply): { readonly access: string; readonly refresh: string } {
  const { access_token: access, refresh_token: refresh } = JSON.parse(text) as Record<string, string>;
  return { access: access!, refresh: refresh! };
}
