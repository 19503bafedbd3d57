import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { scopes } from "../access/permissions.ts";
import { type TestApp, testApp } from "../app.testing.ts";
import { newKey } from "../identity/key.ts";
import { seededChance } from "../lib/ids.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * Generated from the endpoint table: every row meets every kind of credential, so a new endpoint cannot be forgotten.
 * What an endpoint does with a caller that it lets in is its own tests' affair; here it must not be 401 or 403.
 */
const operatorToken = newKey("it", seededChance(1));
const internalToken = "internal-token-of-the-tests";
const unknownKey = newKey("sk", seededChance(2));

const expected: Record<Endpoint["access"]["credential"], Record<Caller, number | "in">> = {
  caller: { nobody: 401, unknown: 401, scopeless: 403, everything: "in", internal: 401, operator: 401 },
  internal: { nobody: 401, unknown: 401, scopeless: 403, everything: 403, internal: "in", operator: 401 },
  operator: { nobody: 401, unknown: 401, scopeless: 403, everything: 403, internal: 401, operator: "in" },
  // The tests call from loopback.
  metrics: { nobody: "in", unknown: "in", scopeless: "in", everything: "in", internal: "in", operator: "in" },
  nobody: { nobody: "in", unknown: "in", scopeless: "in", everything: "in", internal: "in", operator: "in" },
};
type Caller = "nobody" | "unknown" | "scopeless" | "everything" | "internal" | "operator";

let app: TestApp;
let tokens: Record<Caller, string | undefined>;

before(async () => {
  const operator = { token: operatorToken, runCommand: async () => ({}) };
  app = await testApp({ INTERNAL_API_TOKEN: internalToken }, {}, operator);
  tokens = {
    nobody: undefined,
    unknown: unknownKey,
    scopeless: await app.key({ scopes: [] }),
    everything: await app.key({ scopes: [...scopes] }),
    internal: internalToken,
    operator: operatorToken,
  };
});
after(() => app.close());

test("the table holds every endpoint of the contract so far", () => {
  assert.deepEqual(app.endpoints.map(({ method, path }) => `${method} ${path}`).toSorted(), [
    "GET /health/costs/daily",
    "GET /healthz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /readyz",
    "GET /v1/models",
    "GET /v1/models/:model",
    "GET /v1/models/:provider/:model",
    "POST /auth/setup",
    "POST /operator/commands/:command",
    "POST /v1/chat/completions",
  ]);
});

test("every endpoint lets in exactly those it names", async (t) => {
  for (const endpoint of app.endpoints) {
    for (const [caller, token] of Object.entries(tokens)) {
      const wanted = expected[endpoint.access.credential][caller as Caller];
      await t.test(`${endpoint.method} ${endpoint.path} for ${caller}: ${wanted}`, async () => {
        const response = await call(endpoint, token);
        const body = await response.text();
        if (wanted === "in") {
          // The set-up endpoint answers 401 to a wrong set-up token, which no header carries.
          assert.ok(
            response.status !== 403 && (response.status !== 401 || endpoint.path === "/auth/setup"),
            body,
          );
        } else {
          assert.equal(response.status, wanted, body);
          const { error } = JSON.parse(body) as {
            error: { code: string; correlationId: string; requiredScope?: string };
          };
          assert.equal(error.correlationId, response.headers.get("x-correlation-id"));
          if (wanted === 401) {
            assert.equal(error.code, token === undefined ? "AUTH_REQUIRED" : "AUTH_INVALID");
            assert.ok(response.headers.get("www-authenticate")?.startsWith('Bearer realm="tollgate"'));
          }
          if (wanted === 403 && endpoint.access.credential === "caller") {
            assert.equal(error.code, "SCOPE_MISSING");
            assert.equal(error.requiredScope, endpoint.access.scope);
          }
        }
      });
    }
  }
});

test("every endpoint for callers answers 429 over its limit, and tells where the caller stands", async (t) => {
  await using limited = await testApp({ KEY_RATE_LIMIT_PER_MINUTE: "1", KEY_RATE_LIMIT_BURST: "1" });
  for (const endpoint of limited.endpoints.filter(({ access }) => access.credential === "caller")) {
    await t.test(`${endpoint.method} ${endpoint.path}`, async () => {
      const key = await limited.key({ scopes: [...scopes] });
      const first = await call(endpoint, key, limited);
      assert.notEqual(first.status, 429);
      assert.equal(first.headers.get("x-ratelimit-remaining"), "0");
      const second = await call(endpoint, key, limited);
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

test("every path refuses the methods it does not take", async () => {
  for (const { path } of app.endpoints) {
    const url = path.replace(/:\w+/g, "x");
    const allowed = app.endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method);
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      if ((allowed as string[]).includes(method)) continue;
      const response = await app.fetch(url, { method });
      assert.equal(response.status, 405, `${method} ${path}`);
      assert.equal(response.headers.get("allow"), allowed.join(", "));
    }
  }
});

const bodies: Record<string, unknown> = {
  "/v1/chat/completions": { model: "sim-echo", messages: [{ role: "user", content: "x" }] },
  "/auth/setup": { token: "x", email: "a@example.com", name: "A", password: "password123" },
};

function call({ method, path }: Endpoint, key: string | undefined, where = app): Promise<Response> {
  const url = path.replace(":command", "keys-list").replace(":model", "sim-echo").replace(":provider", "x");
  const json = method === "POST" ? (bodies[path] ?? {}) : undefined;
  return where.fetch(url, { method, ...(key === undefined ? {} : { key }), json });
}
