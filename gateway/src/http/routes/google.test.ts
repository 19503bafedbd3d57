import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { type TestApp, testApp } from "../../app.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-test-"));
const jwks = join(folder, "jwks.json");
const pair = await generateKeyPair("RS256");
writeFileSync(
  jwks,
  JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "RS256" }] }),
);

const google = { GOOGLE_CLIENT_IDS: "tollgate-web,tollgate-app", GOOGLE_JWKS_FILE: jwks };
let app: TestApp;
before(async () => {
  app = await testApp({ ...google, ABUSE_MODE: "off" });
});
after(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

type Claims = Record<string, unknown>;
let subjects = 0;

/** What Google says of somebody new with a Gmail address; what a test is about is said in `claims`. */
async function idToken(claims: Claims = {}, header: Claims = {}): Promise<string> {
  subjects += 1;
  const now = Math.floor(Date.now() / 1000);
  const usual = {
    iss: "https://accounts.google.com",
    aud: "tollgate-web",
    sub: `subject-${subjects}`,
    email: `guest${subjects}@gmail.com`,
    email_verified: true,
    name: `Guest ${subjects}`,
    iat: now,
    exp: now + 600,
  };
  const payload = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
  return new SignJWT(Object.fromEntries(payload))
    .setProtectedHeader({ alg: "RS256", kid: "k1", ...header })
    .sign(pair.privateKey);
}

const signIn = (token: string, more: Claims = {}, where = app) =>
  where.fetch("/v1/auth/google", { method: "POST", json: { idToken: token, ...more } });
const me = (key: string, where = app) => where.fetch("/auth/me", { key });

type SignedIn = {
  accessToken: string;
  refreshToken: string;
  user: { id: string; email: string; role: string };
};

async function signedIn(token: string): Promise<SignedIn> {
  const response = await signIn(token);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as SignedIn;
}

async function refused(response: Response, status: number, code: string): Promise<void> {
  const { error } = (await response.json()) as { error: { code: string } };
  assert.deepEqual([response.status, error.code], [status, code]);
}

test("somebody whom Google vouches for gets an account, and the same one the next time", async () => {
  const response = await signIn(await idToken({ sub: "ann", email: "ann@gmail.com", name: "Ann" }));
  const first = (await response.json()) as SignedIn & { tokenType: string; expiresIn: number };
  assert.deepEqual([first.tokenType, first.expiresIn], ["bearer", 86_400]);
  assert.deepEqual([first.user.email, first.user.role], ["ann@gmail.com", "developer"]);
  assert.equal((await me(first.accessToken)).status, 200);
  const again = await signedIn(
    await idToken({ sub: "ann", email: "moved@gmail.com", iss: "accounts.google.com", aud: "tollgate-app" }),
  );
  assert.equal(again.user.id, first.user.id);
  assert.equal(
    (await app.fetch("/auth/refresh", { method: "POST", json: { refresh_token: again.refreshToken } }))
      .status,
    200,
  );
});

test("first sign-ins that come at once make one account", async () => {
  const tokens = await Promise.all(
    [1, 2, 3, 4].map(() => idToken({ sub: "storm", email: "storm@gmail.com" })),
  );
  const answers = await Promise.all(tokens.map((token) => signIn(token)));
  const users = await app.store.db
    .selectFrom("users")
    .select("id")
    .where("email_norm", "=", "storm@gmail.com")
    .execute();
  assert.equal(users.length, 1);
  for (const { status } of answers) assert.equal(status, 200);
});

test("a token that is not to be believed signs nobody in", async () => {
  for (const [claims, header] of [
    [{ iss: "https://evil.example" }, {}],
    [{ aud: "somebody-else" }, {}],
    [{ aud: ["tollgate-web", "somebody-else"] }, {}],
    [{ email_verified: "true" }, {}],
    [{ email_verified: false }, {}],
    [{ email: undefined }, {}],
    [{ exp: 1 }, {}],
    [{ iat: Math.floor(Date.now() / 1000) + 3600 }, {}],
    [{}, { kid: undefined }],
    [{}, { kid: "k2" }],
  ] as const) {
    await refused(await signIn(await idToken(claims, header)), 401, "AUTH_INVALID");
  }
  const good = await idToken();
  for (const text of ["x", `${good}x`, good.split(".").slice(0, 2).join("."), await app.key()]) {
    await refused(await signIn(text), 401, "AUTH_INVALID");
  }
  await refused(await signIn(await idToken({ nonce: "a" }), { nonce: "b" }), 401, "AUTH_INVALID");
  assert.equal((await signIn(await idToken({ nonce: "a" }), { nonce: "a" })).status, 200);
  await refused(await signIn(good, { role: "admin" }), 400, "VALIDATION_FAILED");
});

test("an ID token opens nothing but the sign-in", async () => {
  await refused(await me(await idToken()), 401, "AUTH_INVALID");
});

test("who registered with an address that was never theirs is put out when its owner comes", async () => {
  const squatter = await app.person();
  const key = await app.key({ userId: squatter.id });
  const { user } = await signedIn(await idToken({ email: squatter.email, hd: "example.com" }));
  assert.equal(user.id, squatter.id);
  for (const token of [squatter.token, key]) await refused(await me(token), 401, "AUTH_INVALID");
  const { email, password } = squatter;
  const login = await app.fetch("/auth/login", { method: "POST", json: { email, password } });
  await refused(login, 401, "AUTH_INVALID");
});

test("an account whose address was proved is linked, and keeps its password", async () => {
  const owner = await app.person();
  const proved = { email_verified_at: new Date() };
  await app.store.db.updateTable("users").set(proved).where("id", "=", owner.id).execute();
  const { user } = await signedIn(await idToken({ email: owner.email, hd: "example.com" }));
  assert.equal(user.id, owner.id);
  assert.equal((await me(owner.token)).status, 200);
});

test("an address that Google knows from hearsay links no account", async () => {
  const owner = await app.person();
  await refused(await signIn(await idToken({ email: owner.email })), 409, "ACCOUNT_EXISTS");
  assert.equal((await me(owner.token)).status, 200);
});

test("a user who was shut out stays out", async () => {
  const token = await idToken({ sub: "out", email: "out@gmail.com" });
  const { user } = await signedIn(token);
  await app.store.db.updateTable("users").set({ active: false }).where("id", "=", user.id).execute();
  await refused(await signIn(token), 401, "AUTH_INVALID");
});

test("where registration is closed an ID token lets known people in only", async () => {
  await using closed = await testApp({ ...google, REGISTRATION: "closed" });
  await refused(await signIn(await idToken(), {}, closed), 403, "FORBIDDEN");
});

test("only accounts of the named domains are let in", async () => {
  await using own = await testApp({ ...google, GOOGLE_HOSTED_DOMAINS: "example.com,example.org" });
  assert.equal((await signIn(await idToken({ hd: "example.org" }), {}, own)).status, 200);
  for (const hd of [undefined, "evil.com", ""])
    await refused(await signIn(await idToken({ hd }), {}, own), 401, "AUTH_INVALID");
});

test("another OpenID Connect issuer serves as well", async () => {
  const issuer = "http://127.0.0.1:9/realms/people";
  await using other = await testApp({ ...google, GOOGLE_ISSUER: issuer });
  assert.equal((await signIn(await idToken({ iss: issuer }), {}, other)).status, 200);
  await refused(await signIn(await idToken(), {}, other), 401, "AUTH_INVALID");
});

test("an address that Google has given to somebody else opens nobody's account", async () => {
  const mailbox = { email: "sales@corp.example", hd: "corp.example" };
  const first = await signedIn(await idToken({ ...mailbox, sub: "who-left" }));
  await refused(await signIn(await idToken({ ...mailbox, sub: "who-came" })), 409, "ACCOUNT_EXISTS");
  assert.equal((await signedIn(await idToken({ ...mailbox, sub: "who-left" }))).user.id, first.user.id);
});

test("first sign-ins that come at once link an account that is there already", async () => {
  const owner = await app.person();
  const claims = { sub: "linker", email: owner.email, hd: "example.com" };
  const tokens = await Promise.all([1, 2, 3, 4].map(() => idToken(claims)));
  for (const { user } of await Promise.all(tokens.map(signedIn))) assert.equal(user.id, owner.id);
});

test("without client ids the endpoint is not there, whatever is sent, and in no description", async () => {
  await using without = await testApp();
  for (const json of [{}, { idToken: 1 }, { idToken: await idToken() }]) {
    const response = await without.fetch("/v1/auth/google", { method: "POST", json });
    await refused(response, 404, "NOT_FOUND");
  }
  const described = await (await without.fetch("/openapi.json")).text();
  assert.ok(!described.includes("/v1/auth/google"));
});

test("the issuer in Google's place links accounts only where the operator says that it runs the mailboxes", async () => {
  const issuer = "http://127.0.0.1:9/realms/people";
  for (const [trusts, status] of [
    ["false", 409],
    ["true", 200],
  ] as const) {
    await using other = await testApp({ ...google, GOOGLE_ISSUER: issuer, GOOGLE_TRUSTS_EMAIL: trusts });
    const { email } = await other.person();
    assert.equal((await signIn(await idToken({ iss: issuer, email }), {}, other)).status, status);
  }
});

test("refused sign-ins by ID token are noted, a series of them once", async () => {
  await using own = await testApp(google);
  const { email } = await own.person();
  await refused(await signIn(await idToken({ email }), {}, own), 409, "ACCOUNT_EXISTS");
  for (let tries = 0; tries < 3; tries++) await refused(await signIn("x", {}, own), 401, "AUTH_INVALID");
  const entries = await own.store.db.selectFrom("audit_entries").select("entry").execute();
  const failed = entries
    .map(({ entry }) => JSON.parse(entry) as Record<string, unknown>)
    .filter(({ action }) => action === "session.login_failed");
  assert.deepEqual(
    failed.map(({ outcome, reason }) => [outcome, reason]),
    [["denied", "id token: ACCOUNT_EXISTS"]],
  );
});
