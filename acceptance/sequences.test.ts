import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { newIssuer } from "./forge.ts";
import { newHome, startTollgate } from "./server.ts";

/** The sequences that the requirements print, as somebody types them into a shell (section 13). */
const INTERNAL_API_TOKEN = "internal-token-of-the-operator";
const APP_AUTH_TOKEN_USER_MAP = "tokenA:usr_dev,tokenB:usr_2";
const home = await newHome();
const issuer = newIssuer("tollgate-web");
writeFileSync(join(home.folder, "jwks.json"), issuer.jwks);
const server = await startTollgate({
  home,
  env: {
    ...{ INTERNAL_API_TOKEN, APP_AUTH_TOKEN_USER_MAP },
    ...{ ASSIST_API_KEYS: "assist-key", GOOGLE_CLIENT_IDS: "tollgate-web", GOOGLE_JWKS_FILE: "jwks.json" },
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const { port } = new URL(server.url);
const main = join(import.meta.dirname, "..", "gateway", "src", "main.ts");

/** Runs one line; `curl` shows nothing but the answer's body and its status. */
async function sh<T>(line: string, variables: Readonly<Record<string, string>> = {}): Promise<Answer<T>> {
  const script = [
    `curl() { command curl -s -w '\\n%{http_code}' "$@"; }`,
    `npm() { shift 3; "$NODE" "$MAIN" "$@"; }`,
    line,
  ].join("\n");
  const { stdout } = await promisify(execFile)("sh", ["-c", script], {
    cwd: home.folder,
    env: {
      ...{ PATH: process.env.PATH, P: port, NODE: process.execPath, MAIN: main },
      ...{ DATA_DIR: "data", INTERNAL_API_TOKEN, ...variables },
    },
  });
  const [, text = "", status = ""] = /^([\s\S]*)\n(\d{3})$/.exec(stdout) ?? [];
  return { stdout, status: Number(status), body: (text === "" ? undefined : JSON.parse(text)) as T };
}

type Answer<T> = { readonly stdout: string; readonly status: number; readonly body: T };

test("P: an account, a project with a budget, and its projects by an API key", async () => {
  const registered = await sh<{ user: { email: string } }>(
    `curl -X POST localhost:$P/auth/register -H 'Content-Type: application/json' -d '{"email":"test@example.com","name":"Test User","password":"password123"}'`,
  );
  assert.equal(registered.status, 201);
  assert.equal(registered.body.user.email, "test@example.com");

  const signedIn = await sh<{ access_token: string }>(
    `curl -X POST localhost:$P/auth/login    -H 'Content-Type: application/json' -d '{"email":"test@example.com","password":"password123"}'`,
  );
  assert.equal(signedIn.status, 200);
  const T = signedIn.body.access_token;

  const project = await sh<{ id: number; name: string; budget_allocated: number }>(
    `curl -X POST localhost:$P/projects/ -H "Authorization: Bearer $T" -H 'Content-Type: application/json' -d '{"name":"Test Project","budget_allocated":100.00}'`,
    { T },
  );
  assert.equal(project.status, 201);
  assert.equal(project.body.id, 1);
  assert.equal(project.body.budget_allocated, 100);

  const key = await sh<{ key: string }>(
    `curl -X POST localhost:$P/auth/api-keys -H "Authorization: Bearer $T" -H 'Content-Type: application/json' -d '{"name":"no bearer"}'`,
    { T },
  );
  const listed = await sh<{ items: { name: string }[] }>(
    `curl localhost:$P/projects/ -H "Authorization: $KEY"`,
    { KEY: key.body.key },
  );
  assert.equal(listed.status, 200);
  assert.deepEqual(
    listed.body.items.map(({ name }) => name),
    ["Test Project"],
  );
});

test("T: the 21st thought in a minute is refused, and nobody sees another's costs", async () => {
  const capture = () =>
    sh<{ error?: { code: string; resetAt: string } }>(
      `curl -X POST localhost:$P/v1/capture/thought -H 'Authorization: Bearer tokenA' -H 'Content-Type: application/json' -d '{"text":"Call Anna on Friday"}'`,
    );
  for (let count = 1; count <= 20; count++) assert.equal((await capture()).status, 201, `thought ${count}`);
  const refused = await capture();
  assert.equal(refused.status, 429);
  assert.equal(refused.body.error?.code, "RATE_LIMITED");
  assert.ok(refused.body.error!.resetAt > new Date().toISOString());

  const day = (token: string) =>
    sh<{ breakdown: { operation: string; calls: number }[] }>(
      `curl localhost:$P/health/costs/daily -H 'Authorization: Bearer ${token}'`,
    );
  const { breakdown } = (await day("tokenA")).body;
  assert.deepEqual(
    breakdown.map(({ operation, calls }) => [operation, calls]),
    [["capture.thought", 20]],
  );
  assert.deepEqual((await day("tokenB")).body.breakdown, []);
});

test("S: the assistant asks for a sign-in, takes one by Google, and answers 20 times in a minute", async () => {
  const chat = `curl -X POST localhost:$P/v1/assist/chat -H 'X-API-Key: assist-key' -H 'Content-Type: application/json' -d '{"items":[{"itemId":"123","title":"Test"}],"message":"Hello"}'`;
  type Refused = { error: { code: string; message: string; resetAt: string } };

  const nobody = await sh<Refused>(chat);
  assert.deepEqual([nobody.status, nobody.body.error.code], [401, "AUTH_REQUIRED"]);
  assert.equal(nobody.body.error.message, "Sign in is required to use this feature.");
  const stranger = await sh<Refused>(`${chat} -H 'Authorization: Bearer invalid-token-xyz'`);
  assert.deepEqual([stranger.status, stranger.body.error.code], [401, "AUTH_INVALID"]);
  assert.equal(stranger.body.error.message, "Your session is invalid or expired. Please sign in again.");

  const signedIn = await sh(
    `T=$(command curl -s -X POST localhost:$P/v1/auth/google -H 'Content-Type: application/json' -d '{"idToken":"${issuer.idToken}"}' | jq -r .accessToken)
    for call in $(seq 25); do ${chat} -H "Authorization: Bearer $T"; echo; sleep 0.1; done`,
  );
  const answers = [...signedIn.stdout.matchAll(/^(\{.*\})\n(\d{3})$/gm)].map(([, body, status]) => ({
    body: JSON.parse(body!) as Refused & { reply: string; citationsMetadata: { fromCache: boolean } },
    status: Number(status),
  }));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array.from({ length: 20 }, () => 200), ...Array.from({ length: 5 }, () => 429)],
  );
  const [first, second, ...others] = answers;
  assert.deepEqual(
    [first?.body.citationsMetadata.fromCache, second?.body.citationsMetadata.fromCache],
    [false, true],
  );
  const { code, message, resetAt } = others.at(-1)!.body.error;
  assert.deepEqual([code, message], ["RATE_LIMITED", "Rate limit reached. Please try again later."]);
  assert.ok(resetAt > new Date().toISOString());
});

test("K: a key is issued, listed, looked up with the internal token and revoked", async () => {
  const issued = await sh(
    "npm run tollgate -- keys issue --name ci --scopes inference:write,jobs:read --daily-quota 500",
  );
  const key = issued.stdout.trim();
  const [, prefix = ""] = /^sk-tg1_([0-9A-Za-z]{12})_/.exec(key) ?? [];

  const listed = await sh("npm run tollgate -- keys list");
  assert.match(listed.stdout, new RegExp(`^${prefix} .*ci.*active`, "m"));
  assert.ok(!listed.stdout.includes(key));

  const introspection = `curl localhost:$P/internal/api-keys/${prefix} -H "Authorization: Bearer $INTERNAL_API_TOKEN"`;
  const known = await sh<Record<string, unknown>>(introspection);
  assert.equal(known.status, 200);
  const { active, status, scopes, daily_quota, daily_usage, owner } = known.body;
  assert.deepEqual(
    { active, status, scopes, daily_quota, daily_usage, owner },
    {
      active: true,
      status: "active",
      scopes: ["inference:write", "jobs:read"],
      daily_quota: 500,
      daily_usage: 0,
      owner: { user_id: "usr_dev", project_id: null },
    },
  );
  assert.ok(!known.stdout.includes(key.slice(20)));

  const me = `curl localhost:$P/auth/me -H "Authorization: $KEY"`;
  assert.equal((await sh(me, { KEY: key })).status, 200);
  await sh(`npm run tollgate -- keys revoke ${prefix}`);
  assert.equal((await sh(me, { KEY: key })).status, 401);
  assert.equal((await sh<Record<string, unknown>>(introspection)).body.active, false);
});
