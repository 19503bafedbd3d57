import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { scopes } from "../access/permissions.ts";
import { type Person, type TestApp, testApp } from "../app.testing.ts";
import { keepThought } from "../apps/thoughts.store.ts";
import { newKey } from "../identity/key.ts";
import { userNamed } from "../identity/testing.ts";
import { seededChance } from "../lib/ids.ts";
import type { Governed } from "./endpoint.ts";
import { type CallerName, callers, matrix } from "./matrix.testing.ts";

/**
 * Every endpoint meets every kind of caller, and answers as the checked-in table says. The things asked for belong to
 * an owner who is none of the callers but `scopeless`; the four people are members with the role that they also have
 * by themselves, but for the administrator, who is a member of nothing.
 */
const internalToken = "internal-token-of-the-tests";
const appKey = "key-of-an-app";
const operatorToken = newKey("it", seededChance(1));
const off = { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "", ABUSE_MODE: "off" };
const loopback = { OUTBOUND_ALLOW_CIDRS: "127.0.0.0/8" };

let app: TestApp;
let owner: Person;
let people: Record<"viewer" | "developer" | "manager" | "admin", Person>;
let tokens: Record<CallerName, string | undefined>;
let things: Things;

/** What the paths name, made anew whenever a request has destroyed it. */
type Things = {
  readonly team: number;
  readonly project: number;
  readonly job: number;
  readonly key: number;
  readonly prefix: string;
};

before(async () => {
  const commands = { operatorToken, run: async () => ({}) };
  const google = { GOOGLE_CLIENT_IDS: "tollgate-web" };
  // Nobody does the jobs: they stay as they are made to be.
  app = await testApp(
    {
      INTERNAL_API_TOKEN: internalToken,
      ROLE: "gateway",
      JOB_MODEL: "sim-echo",
      ASSIST_API_KEYS: appKey,
      ...google,
      ...off,
      ...loopback,
    },
    {},
    commands,
  );
  owner = await app.person();
  const [viewer, developer, manager, admin] = [
    await app.person("viewer"),
    await app.person("developer"),
    await app.person("manager"),
    await app.person("admin"),
  ];
  people = { viewer, developer, manager, admin };
  const stranger = await app.person();
  tokens = {
    anonymous: undefined,
    viewer: viewer.token,
    developer: developer.token,
    manager: manager.token,
    admin: admin.token,
    scopeless: await app.key({ userId: owner.id, scopes: [] }),
    stranger: await app.key({ userId: stranger.id, scopes: [...scopes] }),
    internal: internalToken,
  };
  things = await newThings();
});
after(() => app.close());

const idOf = (endpoint: Governed) => `${endpoint.method} ${endpoint.path}`;

test("the table names every endpoint, and no other", () => {
  assert.deepEqual(Object.keys(matrix).toSorted(), app.endpoints.map(idOf).toSorted());
});

test("every endpoint answers every kind of caller as the table says, and shows strangers nothing", async (t) => {
  for (const endpoint of app.endpoints) {
    const row = matrix[idOf(endpoint)]?.split(" ") ?? [];
    for (const path of [endpoint.path, ...(endpoint.alsoAt ?? [])]) {
      await t.test(`${endpoint.method} ${path}`, async () => {
        const found: string[] = [];
        for (const caller of callers) found.push(await statusFor(endpoint, path, caller));
        assert.deepEqual(found.join(" "), row.join(" "), callers.join(" "));
      });
    }
  }
});

async function statusFor(endpoint: Governed, path: string, caller: CallerName): Promise<string> {
  const token = await tokenFor(endpoint, caller);
  const response = await call(endpoint, path, token);
  const text = await response.text();
  if (endpoint.method === "DELETE" && response.ok) things = await newThings();
  if (caller === "stranger" || caller === "anonymous") {
    for (const id of [owner.id, owner.email, things.prefix]) assert.ok(!text.includes(id), `shows ${id}`);
  }
  if (response.status >= 400) {
    const { error } = JSON.parse(text) as {
      error: { code: string; correlationId: string; requiredScope?: string };
    };
    assert.equal(error.correlationId, response.headers.get("x-correlation-id"));
    if (response.status === 401 && endpoint.access.credential !== "nobody") {
      assert.equal(error.code, token === undefined ? "AUTH_REQUIRED" : "AUTH_INVALID");
      assert.ok(response.headers.get("www-authenticate")?.startsWith('Bearer realm="tollgate"'));
    }
    if (error.code === "SCOPE_MISSING" && endpoint.access.credential === "caller") {
      assert.equal(error.requiredScope, endpoint.access.scope);
    }
  }
  return String(response.status);
}

test("a credential that is not known is refused by every endpoint that asks for one", async (t) => {
  const unknown = newKey("sk", seededChance(2));
  for (const endpoint of app.endpoints) {
    if (endpoint.access.credential === "nobody" || endpoint.access.credential === "metrics") continue;
    await t.test(idOf(endpoint), async () => {
      assert.equal((await call(endpoint, endpoint.path, unknown)).status, 401);
    });
  }
});

test("the operator's token opens the operator's endpoint and nothing else", async (t) => {
  for (const endpoint of app.endpoints) {
    if (endpoint.access.credential === "nobody" || endpoint.access.credential === "metrics") continue;
    await t.test(idOf(endpoint), async () => {
      const { status } = await call(endpoint, endpoint.path, operatorToken);
      assert.equal(status, endpoint.access.credential === "operator" ? 200 : 401);
    });
  }
});

test("every endpoint for callers answers 429 over its limit, and tells where the caller stands", async (t) => {
  await using limited = await testApp({ KEY_RATE_LIMIT_PER_MINUTE: "1", KEY_RATE_LIMIT_BURST: "1" });
  // One to delete, and one for the job.
  for (const name of ["One", "Two"]) {
    const project = { name, owner_id: "usr_dev", created_at: new Date(0) };
    await limited.store.db.insertInto("projects").values(project).execute();
  }
  // What is not found gives back what it took.
  await keepThought(limited.store.db, { userId: "usr_dev", text: "x", source: null, now: 0 });
  for (const endpoint of limited.endpoints) {
    if (endpoint.access.credential !== "caller" || endpoint.access.signedIn === true) continue;
    // No key of its own can be over its limit there.
    if (endpoint.access.appKey === true) continue;
    await t.test(idOf(endpoint), async () => {
      const key = await limited.key({ scopes: [...scopes] });
      await limited.store.db
        .updateTable("users")
        .set({ role: "admin" })
        .where("id", "=", "usr_dev")
        .execute();
      const first = await call(endpoint, endpoint.path, key, limited);
      assert.notEqual(first.status, 429);
      assert.equal(first.headers.get("x-ratelimit-remaining"), "0");
      const second = await call(endpoint, endpoint.path, key, limited);
      assert.equal(second.status, 429);
      const { error } = (await second.json()) as { error: { code: string; resetAt: string; limit: string } };
      assert.equal(error.code, "RATE_LIMITED");
      assert.equal(error.limit, "key-minute");
      const resetAt = Date.parse(error.resetAt);
      assert.equal(second.headers.get("x-ratelimit-reset"), String(Math.ceil(resetAt / 1000)));
      assert.ok(Number(second.headers.get("retry-after")) >= 1);
      assert.equal(second.headers.get("x-should-retry"), "true");
    });
  }
});

test("every endpoint is in the OpenAPI document", async () => {
  const { paths } = (await (await app.fetch("/openapi.json")).json()) as {
    paths: Record<string, Record<string, { summary?: string }>>;
  };
  for (const { method, path, summary } of app.endpoints) {
    const shown = path.replace(/:(\w+)/g, "{$1}");
    assert.equal(paths[shown]?.[method.toLowerCase()]?.summary, summary, `${method} ${path}`);
  }
});

test("the document that is served has the routes and the answers of the one in the repository", async () => {
  type Document = { paths: Record<string, Record<string, { responses: Record<string, unknown> }>> };
  const told = ({ paths }: Document) =>
    Object.entries(paths)
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, { responses }]) => `${method} ${path} ${Object.keys(responses).join(" ")}`,
        ),
      )
      .toSorted();
  const committed = JSON.parse(
    readFileSync(new URL("../../../openapi.json", import.meta.url), "utf8"),
  ) as Document;
  const served = (await (await app.fetch("/openapi.json")).json()) as Document;
  assert.deepEqual(told(served), told(committed));
});

test("every path refuses the methods it does not take", async () => {
  const paths = app.endpoints.flatMap(({ path, alsoAt = [] }) => [path, ...alsoAt]);
  for (const path of new Set(paths)) {
    const url = path.replace(/:\w+/g, "x");
    const allowed = app.endpoints
      .filter((endpoint) => endpoint.path === path || endpoint.alsoAt?.includes(path))
      .map(({ method }) => method);
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      if ((allowed as string[]).includes(method)) continue;
      const response = await app.fetch(url, { method });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers.get("allow"), allowed.join(", "));
    }
  }
});

/** A team, a project in it, and a key, all of the owner's; with the people as members. */
async function newThings(): Promise<Things> {
  const post = async (path: string, json: unknown) => {
    const response = await app.fetch(path, { method: "POST", key: owner.token, json });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as { id: number; prefix: string };
  };
  const put = async (path: string, json: unknown) => {
    const response = await app.fetch(path, { method: "PUT", key: people.admin.token, json });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  };
  const team = (await post("/teams", { name: "Team" })).id;
  const project = (await post("/projects", { name: "Project", team_id: team })).id;
  for (const role of ["viewer", "developer", "manager"] as const) {
    for (const place of [`/teams/${team}`, `/projects/${project}`]) {
      await post(`${place}/members`, { user_id: people[role].id, role });
    }
  }
  const { id: key, prefix } = await post("/auth/api-keys", { name: "Key", scopes: [] });
  const feature = { type: "implement_feature", payload: { task: "Build login page" } };
  const job = (await post("/jobs", { project_id: project, ...feature })).id;
  for (const place of [`project/${project}`, `team/${team}`, `user/${owner.id}`, `key/${key}`]) {
    await put(`/budgets/${place}`, { allocated: 100 });
  }
  return { team, project, job, key, prefix };
}

/** Only a dead letter can be retried or deleted, and only what is none be cancelled. */
async function makeDead(isDead: boolean): Promise<void> {
  await app.store.db
    .updateTable("jobs")
    .set({ status: isDead ? "dead_letter" : "pending" })
    .where("id", "=", things.job)
    .execute();
}

let users = 0;

/** Somebody whom nobody knows yet; a member already where the path names one. */
async function newUser(path: string): Promise<string> {
  users += 1;
  const id = `usr_new${users}`;
  await userNamed(app.store.db, id);
  const place = path
    .replace("/teams/:id", `/teams/${things.team}`)
    .replace("/projects/:id", `/projects/${things.project}`);
  if (path.endsWith("/members/:userId")) {
    const json = { user_id: id, role: "viewer" };
    await app.fetch(place.replace("/:userId", ""), { method: "POST", key: owner.token, json });
  }
  return id;
}

/** Signing out would end what the other endpoints are asked with. */
async function tokenFor({ path }: Governed, caller: CallerName): Promise<string | undefined> {
  const person = people[caller as keyof typeof people];
  if (path !== "/auth/logout" || person === undefined) return tokens[caller];
  const { email, password } = person;
  const response = await app.fetch("/auth/login", { method: "POST", json: { email, password } });
  return ((await response.json()) as { access_token: string }).access_token;
}

const bodies: Record<string, unknown> = {
  "POST /v1/chat/completions": { model: "sim-echo", messages: [{ role: "user", content: "x" }] },
  "POST /v1/responses": { model: "sim-echo", input: "x" },
  "POST /v1/embeddings": { model: "sim-echo", input: "x" },
  "POST /v1/messages": { model: "sim-echo", max_tokens: 9, messages: [{ role: "user", content: "x" }] },
  "POST /v1/messages/count_tokens": { model: "sim-echo", messages: [{ role: "user", content: "x" }] },
  "POST /v1/capture/thought": { text: "x" },
  "POST /v1/query/ask": { question: "x" },
  "POST /v1/assist/chat": { items: [{ itemId: "1", title: "T" }], message: "x" },
  "POST /auth/setup": { token: "x", email: "a@example.com", name: "A", password: "password123" },
  "POST /auth/refresh": { refresh_token: "x" },
  "POST /auth/password": { current_password: "not this one", new_password: "password456" },
  "POST /v1/auth/google": { idToken: "x" },
  "POST /teams": { name: "T" },
  "POST /v1/decide": { model: "sim-echo", input_tokens: 1 },
  "PUT /budgets/project/:id": { allocated: 100 },
  "PUT /budgets/team/:id": { allocated: 100 },
  "PUT /budgets/user/:id": { allocated: 100 },
  "PUT /budgets/key/:id": { allocated: 100 },
  "PATCH /teams/:id": { name: "T" },
  "POST /projects": { name: "P" },
  "PATCH /projects/:id": { description: "P" },
  "POST /auth/api-keys": { name: "K", scopes: [] },
  "PATCH /auth/api-keys/:id": { name: "K" },
  "PATCH /admin/users/:id": {},
  "PUT /admin/plans/:name": { limits: {} },
  "PUT /admin/providers/:name": { base_url: "http://127.0.0.1:9/v1" },
  "POST /admin/webhooks": { url: "https://example.com/hook", events: ["budget.warning"] },
  "PUT /prices/:provider/:model": { input: 1, output: "2.50" },
  "POST /prices/reprice": { from: "2026-11-01", to: "2026-11-30", reason: "corrected" },
  "PATCH /admin/users/:id/limits": { overrides: {} },
  "POST /admin/users/:id/limits/reset": { id: "user-minute" },
  "PATCH /teams/:id/members/:userId": { role: "viewer" },
  "PATCH /projects/:id/members/:userId": { role: "viewer" },
  "POST /internal/secret-scanning/revoke": [],
};

async function call(
  endpoint: Governed,
  path: string,
  key: string | undefined,
  where = app,
): Promise<Response> {
  const { method } = endpoint;
  const id = idOf(endpoint);
  if (where === app) await makeDead(method === "DELETE" || path.endsWith("/retry"));
  const member = where === app ? await newUser(path) : "usr_dev";
  const filled: Record<string, unknown> = {
    "POST /auth/register": { email: `${member}-${users}@example.com`, name: "N", password: "password123" },
    "POST /auth/login": { email: `${member}@example.com`, password: "password123" },
    "POST /jobs": {
      project_id: where === app ? things.project : 2,
      type: "summarize",
      payload: { text: "x" },
    },
    "POST /teams/:id/members": { user_id: member, role: "viewer" },
    "POST /projects/:id/members": { user_id: member, role: "viewer" },
  };
  const ids = where === app ? things : { team: 1, project: 1, job: 1, key: 1, prefix: "AbCdEf012345" };
  const url = path
    .replace("/budgets/team/:id", `/budgets/team/${ids.team}`)
    .replace("/budgets/project/:id", `/budgets/project/${ids.project}`)
    .replace("/budgets/user/:id", `/budgets/user/${where === app ? owner.id : member}`)
    .replace("/budgets/key/:id", `/budgets/key/${ids.key}`)
    .replace("/teams/:id", `/teams/${ids.team}`)
    .replace("/thoughts/:id", `/thoughts/${where === app ? 0 : 1}`)
    .replace("/projects/:id", `/projects/${ids.project}`)
    .replace("/jobs/:id", `/jobs/${ids.job}`)
    .replace("/api-keys/:id", `/api-keys/${ids.key}`)
    .replace("/users/:id", `/users/${member}`)
    .replace("/sessions/:id", "/sessions/00000000-0000-7000-8000-000000000000")
    .replace(":kind/:subject", "user/usr_dev")
    .replace(":userId", member)
    .replace(":prefix", ids.prefix)
    .replace(":name", "gold")
    .replace(":command", "keys-list")
    .replace(":model", "sim-echo")
    .replace(":provider", "x");
  const takesJson = method === "POST" || method === "PUT" || method === "PATCH";
  const json = takesJson ? (filled[id] ?? bodies[id] ?? {}) : undefined;
  const { access } = endpoint;
  const besideApp = access.credential === "caller" && access.appKey === true;
  return where.fetch(url, {
    ...{ method, json },
    ...(key === undefined ? {} : { key }),
    ...(besideApp ? { headers: { "x-api-key": appKey } } : {}),
  });
}
