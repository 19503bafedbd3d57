import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { errorHeaders } from "../calls/envelope.ts";
import { TollgateError } from "../lib/errors.ts";
import { limitHeaders } from "../limits/headers.ts";
import type { Standing } from "../limits/standing.ts";
import { exposedHeaders, withCors } from "./cors.ts";

const app = "https://app.example.com";
const answer: RequestListener = (_request, response) => response.writeHead(401, { "x-own": "1" }).end("no");

async function asked(origins: readonly string[], method: string, headers: Record<string, string>) {
  await using server = createServer(withCors(origins, answer)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/v1/models`, {
    method,
    headers: { ...headers, connection: "close" },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function allowHeaders(headers: Headers): readonly string[] {
  return [...headers.keys()].filter((name) => name.startsWith("access-control-"));
}

const preflight = {
  origin: app,
  "access-control-request-method": "POST",
  "access-control-request-headers": "authorization, content-type, x-stainless-lang",
};

test("a page of a listed origin may read every answer, refusals too, and their limit headers", async () => {
  const { status, headers, text } = await asked([app], "GET", { origin: app });
  assert.deepEqual([status, text, headers.get("x-own")], [401, "no", "1"]);
  assert.equal(headers.get("access-control-allow-origin"), app);
  assert.equal(headers.get("access-control-expose-headers"), exposedHeaders.join(", "));
  assert.equal(headers.get("vary"), "Origin");
  assert.equal(headers.get("access-control-allow-credentials"), null);
});

test("a preflight of a listed origin is answered without a body, and asks nobody", async () => {
  const { status, headers, text } = await asked([app], "OPTIONS", preflight);
  assert.deepEqual([status, text, headers.get("x-own")], [204, "", null]);
  assert.equal(headers.get("access-control-allow-origin"), app);
  assert.equal(headers.get("access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE");
  assert.equal(headers.get("access-control-allow-headers"), preflight["access-control-request-headers"]);
  assert.match(headers.get("vary")!, /^Origin/);
});

test("an origin that is not listed letter by letter is allowed nothing", async () => {
  for (const origin of [
    "https://app.example.com.evil.test",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "null",
  ]) {
    for (const method of ["GET", "OPTIONS"]) {
      const { status, headers } = await asked([app], method, { ...preflight, origin });
      assert.equal(status, 401);
      assert.deepEqual(allowHeaders(headers), [], origin);
      assert.equal(headers.get("vary"), "Origin", "or a cache would serve it to the listed one");
    }
  }
});

test("OPTIONS that is no preflight is a request like any other", async () => {
  assert.equal((await asked([app], "OPTIONS", { origin: app })).status, 401);
});

test("without listed origins nothing changes", async () => {
  assert.equal(withCors([], answer), answer);
});

test("every header that tells of limits and waits is exposed", () => {
  const standing: Standing = {
    id: "user-minute",
    unit: "requests",
    limit: 1,
    remaining: 0,
    resetMs: 1,
    windowMs: 1,
    now: 0,
  };
  const standings = [standing, { ...standing, unit: "tokens" as const }];
  const report = { standings, tightest: standing, degraded: true };
  const exposed = new Set(exposedHeaders.map((name) => name.toLowerCase()));
  for (const headers of [
    limitHeaders(report, { surface: "openai" }),
    limitHeaders(report, { surface: "anthropic" }),
    errorHeaders(new TollgateError("OVERLOADED", { retryAfterMs: 1 })),
    errorHeaders(new TollgateError("AUTH_REQUIRED")),
    errorHeaders(new TollgateError("METHOD_NOT_ALLOWED", { allow: ["GET"] })),
  ]) {
    for (const name of Object.keys(headers)) assert.ok(exposed.has(name.toLowerCase()), name);
  }
});
