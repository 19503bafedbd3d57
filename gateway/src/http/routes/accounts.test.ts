import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hash as bcryptHash } from "@node-rs/bcrypt";
import { type TestApp, testApp } from "../../app.testing.ts";

let app: TestApp;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
});
after(() => app.close());

type Json = Record<string, unknown>;
const post = (path: string, json: unknown, key?: string, where = app) =>
  where.fetch(path, { method: "POST", json, ...(key === undefined ? {} : { key }) });
const bodyOf = async (response: Response) => (await response.json()) as Json;
const codeOf = async (response: Response) => ((await bodyOf(response)).error as { code: string }).code;

async function expect(response: Response, status: number, code: string): Promise<void> {
  assert.equal(response.status, status);
  assert.equal(await codeOf(response), code);
}

test("the sample of the requirements registers, signs in, and is told who it is", async () => {
  const sample = { email: "test@example.com", name: "Test User", password: "password123" };
  const registered = await post("/auth/register", sample);
  assert.equal(registered.status, 201);
  const { user } = (await bodyOf(registered)) as { user: Json };
  assert.match(user.id as string, /^usr_[0-9a-f]{24}$/);
  assert.deepEqual([user.email, user.name, user.role], ["test@example.com", "Test User", "developer"]);
  assert.equal(user.last_login_at, null);

  const loggedIn = await post("/auth/login", { email: sample.email, password: sample.password });
  assert.equal(loggedIn.status, 200);
  assert.equal(loggedIn.headers.get("cache-control"), "no-store");
  const tokens = await bodyOf(loggedIn);
  assert.deepEqual([tokens.token_type, tokens.expires_in], ["bearer", 86_400]);

  for (const path of ["/auth/me", "/v1/auth/me"]) {
    const me = await app.fetch(path, { key: tokens.access_token as string });
    assert.equal(me.status, 200);
    const { last_login_at, ...rest } = await bodyOf(me);
    assert.deepEqual({ ...rest, last_login_at: null }, user);
    assert.match(last_login_at as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
});

test("an address is taken once, however it is spelt, and at whatever moment", async () => {
  const account = { name: "Ann", password: "password123" };
  const answers = await Promise.all(
    ["ann@example.com", "Ann@Example.COM", "ANN@example.com"].map((email) =>
      post("/auth/register", { ...account, email }),
    ),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [201, 409, 409]);
  await expect(await post("/auth/register", { ...account, email: "ann@example.com" }), 409, "EMAIL_TAKEN");
});

test("what cannot be an account is refused with the path of each field", async () => {
  const good = { email: "bad@example.com", name: "Bad", password: "password123" };
  for (const [fields, path] of [
    [{ email: "no address" }, "email"],
    [{ email: undefined }, "email"],
    [{ name: "" }, "name"],
    [{ password: "1234567" }, "password"],
    [{ password: "x".repeat(1025) }, "password"],
    [{ role: "admin" }, "role"],
    [{ id: "usr_dev" }, "id"],
    [{ active: true }, "active"],
    [{ name: "with \0 inside" }, "name"],
  ] as const) {
    const response = await post("/auth/register", { ...good, ...fields });
    assert.equal(response.status, 400, JSON.stringify(fields));
    const { error } = (await bodyOf(response)) as { error: { code: string; details: { path: string }[] } };
    assert.equal(error.code, "VALIDATION_FAILED");
    assert.equal(error.details[0]?.path, path);
  }
});

test("an unknown address and a wrong password get the same answer, and neither at once", async () => {
  const { email } = await app.person();
  const answers = [];
  for (const attempt of [
    { email: "nobody@example.com", password: "password123" },
    { email, password: "wrong password" },
    { email, password: "" },
  ]) {
    const startedAt = performance.now();
    const response = await post("/auth/login", attempt);
    assert.ok(performance.now() - startedAt >= 295);
    assert.equal(response.status, 401);
    const { error } = (await bodyOf(response)) as { error: Json };
    const { correlationId: _, ...rest } = error;
    const names = [...response.headers.keys()].filter((name) => name !== "date");
    answers.push({ rest, names, auth: response.headers.get("www-authenticate") });
  }
  assert.equal(answers[0]!.rest.message, "Email or password is incorrect.");
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
});

test("a bcrypt hash signs in, becomes argon2id, and signs in again", async () => {
  const { id, email } = await app.person();
  const password_hash = await bcryptHash("secure_password", { cost: 4 });
  await app.store.db.updateTable("users").set({ password_hash }).where("id", "=", id).execute();
  const stored = async () =>
    (await app.store.db.selectFrom("users").select("password_hash").where("id", "=", id).executeTakeFirst())!
      .password_hash!;
  await expect(await post("/auth/login", { email, password: "wrong password" }), 401, "AUTH_INVALID");
  assert.match(await stored(), /^\$2/);
  for (let round = 0; round < 2; round++) {
    assert.equal((await post("/auth/login", { email, password: "secure_password" })).status, 200);
    assert.match(await stored(), /^\$argon2id\$/);
  }
  await expect(await post("/auth/login", { email, password: await stored() }), 401, "AUTH_INVALID");
});

test("a burst of wrong passwords does not reach the hasher beyond its limit, and the owner still gets in", async () => {
  const { email, password } = await app.person();
  const burst = await Promise.all(
    Array.from({ length: 40 }, () => post("/auth/login", { email, password: "wrong password" })),
  );
  const counts = Map.groupBy(burst, ({ status }) => status);
  assert.equal(counts.get(401)?.length, 5);
  assert.equal(counts.get(429)?.length, 35);
  const refused = counts.get(429)![0]!;
  assert.ok(Number(refused.headers.get("retry-after")) > 600);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  // From this address the owner is counted with the burst; other addresses are theirs (limits/sign-in tests).
  await expect(await post("/auth/login", { email, password }), 429, "RATE_LIMITED");
  const other = await app.person();
  assert.equal((await post("/auth/login", { email: other.email, password: other.password })).status, 200);
});

test("signing in as often as one likes is no failure", async () => {
  const { email, password } = await app.person();
  for (let round = 0; round < 8; round++) {
    assert.equal((await post("/auth/login", { email, password })).status, 200);
  }
});

test("failed registrations are counted by address, and good ones are not", async () => {
  await using small = await testApp({ REGISTRATION_ATTEMPTS_PER_ADDRESS: "2" });
  for (let round = 0; round < 4; round++) await small.person();
  const taken = { email: "person1@example.com", name: "X", password: "password123" };
  await expect(await post("/auth/register", taken, undefined, small), 409, "EMAIL_TAKEN");
  await expect(await post("/auth/register", taken, undefined, small), 409, "EMAIL_TAKEN");
  await expect(await post("/auth/register", taken, undefined, small), 429, "RATE_LIMITED");
});

test("where registration is closed nobody registers", async () => {
  await using closed = await testApp({ REGISTRATION: "closed" });
  const wanted = { email: "a@example.com", name: "A", password: "password123" };
  await expect(await post("/auth/register", wanted, undefined, closed), 403, "FORBIDDEN");
});

test("a refreshed session goes on, and the answer is shaped as a sign-in", async () => {
  const person = await app.person();
  const response = await post("/auth/refresh", { refresh_token: person.refreshToken });
  assert.equal(response.status, 200);
  const answer = await bodyOf(response);
  assert.equal((answer.user as Json).id, person.id);
  assert.notEqual(answer.refresh_token, person.refreshToken);
  assert.equal((await app.fetch("/auth/me", { key: answer.access_token as string })).status, 200);
  const repeated = await bodyOf(await post("/auth/refresh", { refreshToken: person.refreshToken }));
  assert.equal(repeated.refresh_token, answer.refresh_token);
  for (const wrong of ["x", person.token, person.refreshToken.replace("rt-", "it-")]) {
    await expect(await post("/auth/refresh", { refresh_token: wrong }), 401, "AUTH_INVALID");
  }
  await expect(await post("/auth/refresh", {}), 400, "VALIDATION_FAILED");
});

test("after logging out neither token is good", async () => {
  const person = await app.person();
  const loggedOut = await app.fetch("/auth/logout", { method: "POST", key: person.token });
  assert.equal(loggedOut.status, 204);
  assert.equal(await loggedOut.text(), "");
  await expect(await app.fetch("/auth/me", { key: person.token }), 401, "AUTH_INVALID");
  await expect(await post("/auth/refresh", { refresh_token: person.refreshToken }), 401, "AUTH_INVALID");
});

test("a changed password ends the other sessions, and only the new one signs in", async () => {
  const person = await app.person();
  const { email, password } = person;
  const other = await bodyOf(await post("/auth/login", { email, password }));
  const wrong = { current_password: "not it at all", new_password: "another password" };
  await expect(await post("/auth/password", wrong, person.token), 400, "VALIDATION_FAILED");
  const right = { current_password: password, new_password: "another password" };
  assert.equal((await post("/auth/password", right, person.token)).status, 204);
  assert.equal((await app.fetch("/auth/me", { key: person.token })).status, 200);
  await expect(await app.fetch("/auth/me", { key: other.access_token as string }), 401, "AUTH_INVALID");
  await expect(await post("/auth/login", { email, password }), 401, "AUTH_INVALID");
  assert.equal((await post("/auth/login", { email, password: "another password" })).status, 200);
});

test("of two password changes at once one counts", async () => {
  const person = await app.person();
  const changes = await Promise.all(
    ["first new password", "second new password"].map((new_password) =>
      post("/auth/password", { current_password: person.password, new_password }, person.token),
    ),
  );
  assert.deepEqual(changes.map(({ status }) => status).toSorted(), [204, 400]);
});

test("people see and end their own sessions, and never those of others", async () => {
  const ann = await app.person();
  const bob = await app.person();
  await post("/auth/login", { email: ann.email, password: ann.password });
  const list = await bodyOf(await app.fetch("/auth/sessions?limit=1", { key: ann.token }));
  const rest = await bodyOf(
    await app.fetch(`/auth/sessions?limit=1&cursor=${list.next_cursor}`, { key: ann.token }),
  );
  const sessions = [...(list.items as Json[]), ...(rest.items as Json[])];
  assert.deepEqual([sessions.length, rest.next_cursor], [2, null]);
  assert.deepEqual(
    sessions.map(({ current }) => current),
    [false, true],
  );
  const [newer] = sessions;
  assert.equal(newer!.ip, "127.0.0.1");
  const path = `/auth/sessions/${newer!.id}`;
  await expect(await app.fetch(path, { method: "DELETE", key: bob.token }), 404, "NOT_FOUND");
  assert.equal((await app.fetch(path, { method: "DELETE", key: ann.token })).status, 204);
  await expect(await app.fetch(path, { method: "DELETE", key: ann.token }), 404, "NOT_FOUND");
  assert.equal((await app.fetch("/auth/sessions", { method: "DELETE", key: ann.token })).status, 204);
  assert.equal((await app.fetch("/auth/me", { key: ann.token })).status, 200);
  assert.equal((await app.fetch("/auth/me", { key: bob.token })).status, 200);
});

test("only a person who signed in has sessions: no key and no static token does", async () => {
  await using mapped = await testApp({ APP_AUTH_TOKEN_USER_MAP: "tokenA:usr_dev" });
  for (const key of ["tokenA", await mapped.key()]) {
    assert.equal((await mapped.fetch("/auth/me", { key })).status, 200);
    await expect(await mapped.fetch("/auth/sessions", { key }), 403, "FORBIDDEN");
  }
});

test("no kind of token is taken in the place of another", async () => {
  const { token, refreshToken } = await app.person();
  for (const wrong of [
    refreshToken,
    `${token}x`,
    token.split(".").slice(0, 2).join("."),
    token.toUpperCase(),
  ]) {
    await expect(await app.fetch("/auth/me", { key: wrong }), 401, "AUTH_INVALID");
  }
  for (const attempt of [
    { email: "a\0@example.com", password: "x" },
    { email: "a@example.com", password: ["x"] },
  ]) {
    await expect(await post("/auth/login", attempt), 400, "VALIDATION_FAILED");
  }
  await expect(await post("/auth/login", { email: "a@example.com", password: "a\0b" }), 401, "AUTH_INVALID");
  const key = await app.key();
  await expect(await post("/auth/refresh", { refresh_token: key }), 401, "AUTH_INVALID");
  await expect(
    await app.fetch("/auth/me", { headers: { cookie: `__Host-tg_rt=${refreshToken}` } }),
    401,
    "AUTH_REQUIRED",
  );
});

test("a user beside an app's key may do what both may, and the key's daily quota counts", async () => {
  const person = await app.person();
  const key = await app.key({ scopes: ["inference:write"], dailyQuota: 1 });
  const headers = { "x-api-key": key };
  await expect(await app.fetch("/health/costs/daily", { key: person.token, headers }), 403, "SCOPE_MISSING");
  assert.equal((await app.chat(person.token, {}, headers)).status, 200);
  await expect(await app.chat(person.token, {}, headers), 429, "QUOTA_EXCEEDED");
  assert.equal((await app.chat(person.token)).status, 200);
  const bad = { "x-api-key": key.replace(/.$/, (last) => (last === "0" ? "1" : "0")) };
  await expect(await app.chat(person.token, {}, bad), 401, "AUTH_INVALID");
});

test("passwords and tokens are in no log line, no audit entry and nowhere in the database", async () => {
  const person = await app.person();
  const secrets = [person.password, person.token.split(".")[2]!, person.refreshToken.slice(20)];
  const entries = await app.store.db.selectFrom("audit_entries").select("entry").execute();
  const users = await app.store.db.selectFrom("users").selectAll().execute();
  const dump = JSON.stringify([app.logs(), entries, users]);
  for (const secret of secrets) assert.ok(!dump.includes(secret));
});

test("an attempt beyond a limit is refused no sooner than one that was tried", async () => {
  await using limited = await testApp({ LOGIN_ATTEMPTS_PER_ADDRESS: "0" });
  const startedAt = performance.now();
  const answer = await post("/auth/login", { email: "a@example.com", password: "x" }, undefined, limited);
  await expect(answer, 429, "RATE_LIMITED");
  assert.ok(performance.now() - startedAt >= 295);
});

test("strangers who sign in with a user's id as address do not keep it from changing its password", async () => {
  await using own = await testApp({ LOGIN_ATTEMPTS_PER_ADDRESS: "" });
  const { id, token, password } = await own.person();
  const tried = ["", "user:", "email:"].flatMap((kind) => Array.from({ length: 6 }, () => kind + id));
  await Promise.all(tried.map((email) => post("/auth/login", { email, password: "x" }, undefined, own)));
  const wanted = { current_password: password, new_password: "password456" };
  assert.equal((await post("/auth/password", wanted, token, own)).status, 204);
});

test("a wrong current password is noted, a series of them once", async () => {
  await using own = await testApp();
  const { id, token } = await own.person();
  const wrong = { current_password: "not this one", new_password: "password456" };
  for (let tries = 0; tries < 3; tries++)
    await expect(await post("/auth/password", wrong, token, own), 400, "VALIDATION_FAILED");
  const entries = await own.store.db.selectFrom("audit_entries").select("entry").execute();
  const failed = entries
    .map(({ entry }) => JSON.parse(entry))
    .filter(({ action }) => action === "session.login_failed");
  assert.deepEqual(
    failed.map(({ reason, target, actor }) => [reason, target.id, actor.id]),
    [["current password", id, id]],
  );
});

test("what is no session's id names no session", async () => {
  const { token } = await app.person();
  await expect(await app.fetch("/auth/sessions/x", { method: "DELETE", key: token }), 404, "NOT_FOUND");
});
