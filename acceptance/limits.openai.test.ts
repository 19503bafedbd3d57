import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI, { InternalServerError, RateLimitError } from "openai";
import { until } from "../gateway/src/lib/until.testing.ts";
import { ask } from "./ask.ts";
import { caller } from "./caller.ts";
import { newHome, startTollgate } from "./server.ts";

const page = "https://app.example.com";
const slow = "sim-delay-2500ms";
const messages = [{ role: "user", content: "Hello." }] as const;

/** One place for work and one that is kept free; 50 calls a minute for everybody who signs in by a token. */
const home = await newHome();
const server = await startTollgate({
  home,
  env: {
    APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann,token-of-bob:usr_bob",
    KEY_RATE_LIMIT_PER_MINUTE: "60",
    KEY_RATE_LIMIT_BURST: "2",
    IP_RATE_LIMIT_PER_MINUTE: "",
    RATE_LIMIT_CHAT_PER_WINDOW: "50",
    OVERLOAD_MAX_IN_FLIGHT: "2",
    CORS_ORIGINS: page,
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

/** A request that the official client sent, and how long its answer told it to wait. */
type Sent = { readonly at: number; readonly toldMs: number };

function client(apiKey: string, maxRetries: number) {
  const sent: Sent[] = [];
  const openai = new OpenAI({
    apiKey,
    baseURL: `${server.url}/v1`,
    maxRetries,
    logLevel: "off",
    async fetch(input, init) {
      const at = performance.now();
      const answer = await fetch(input, init);
      sent.push({ at, toldMs: Number(answer.headers.get("retry-after-ms") ?? 0) });
      return answer;
    },
  });
  const chat = (model = "sim-echo") =>
    openai.chat.completions.create({ model, messages: [...messages] }).withResponse();
  return { chat, sent };
}

/** Between refusal and next try lies what the refusal said, and little more. */
function assertWaited(sent: readonly Sent[]): void {
  for (const [i, { at }] of sent.slice(1).entries()) {
    const before = sent[i]!;
    const waitedMs = at - before.at;
    assert.ok(waitedMs >= before.toldMs - 5, `waited ${waitedMs} of ${before.toldMs} ms`);
    assert.ok(waitedMs < before.toldMs + 1_500, `waited ${waitedMs} instead of ${before.toldMs} ms`);
  }
}

async function issueKey(...options: string[]): Promise<string> {
  const { key } = await server.ask<{ key: string }>("keys", "issue", "--name", "test", ...options);
  return key;
}

/** Members of an RFC 9651 list of strings with parameters, by their string. */
function listOf(field: string | null): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    field!.split(", ").map((member) => {
      assert.match(member, /^"[ !#-[\]-~]+"(;[a-z]+=(\d{1,15}|"[ !#-[\]-~]*"))+$/);
      const [name = "", ...parameters] = member.split(";");
      const entries = parameters.map((parameter) => parameter.split("=") as [string, string]);
      return [JSON.parse(name) as string, Object.fromEntries(entries)] as const;
    }),
  );
}

test("the official OpenAI client waits out a short limit and asks once more", async () => {
  const { chat, sent } = client(await issueKey(), 2);
  await chat();
  await chat();
  await chat();
  assert.equal(sent.length, 4);
  const toldMs = sent[2]!.toldMs;
  assert.ok(toldMs > 0 && toldMs <= 1_000, "a bucket of 60 a minute has room within a second");
  assertWaited(sent);
});

test("the limit headers of an answer and of a refusal agree with each other and with the body", async () => {
  const key = await issueKey();
  const replies = [];
  for (let i = 0; i < 3; i++) {
    replies.push(
      await ask(server.url, "POST /v1/chat/completions", {
        token: key,
        json: { model: "sim-echo", messages },
      }),
    );
  }
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 429],
  );
  for (const { headers } of replies) {
    const policies = listOf(headers.get("ratelimit-policy"));
    const states = listOf(headers.get("ratelimit"));
    assert.deepEqual([...states.keys()], [...policies.keys()]);
    assert.equal(policies.get("key-minute")?.w, "60");
    assert.match(headers.get("x-ratelimit-reset-requests")!, /^(\d+h)?(\d+m)?([\d.]+(s|ms))?$/);
    assert.equal(headers.get("x-ratelimit-limit-requests"), headers.get("x-ratelimit-limit"));
  }
  const { headers, text } = replies[2]!;
  const { resetAt, limit, violated } = JSON.parse(text).error;
  assert.deepEqual([limit, violated], ["key-minute", ["key-minute"]]);
  const retryAfter = Number(headers.get("retry-after"));
  const untilFree = Number(listOf(headers.get("ratelimit")).get("key-minute")!.t);
  assert.ok(retryAfter >= 1 && retryAfter >= untilFree && retryAfter <= untilFree + 1);
  assert.equal(Number(headers.get("x-ratelimit-reset")), Math.ceil(Date.parse(resetAt) / 1000));
  assert.equal(headers.get("x-should-retry"), "true");
});

test("the official OpenAI client asks once when the day's quota is used up", async () => {
  const { chat, sent } = client(await issueKey("--daily-quota", "1"), 3);
  await chat();
  const error = await chat().catch((raised: unknown) => raised);
  assert.ok(error instanceof RateLimitError);
  assert.deepEqual([error.code, error.type], ["QUOTA_EXCEEDED", "insufficient_quota"]);
  assert.equal(sent.length, 2);
  const { resetAt } = error.error as { resetAt: string };
  const leftMs = Date.parse(resetAt) - Date.now();
  const retryAfterMs = Number(error.headers.get("retry-after")) * 1000;
  assert.ok(retryAfterMs > leftMs - 1_000 && retryAfterMs < leftMs + 33_000);
});

test("a full house refuses work before anything is consumed, the client comes back, and health is answered", async () => {
  const ann = client("token-of-ann", 0);
  const bob = client("token-of-bob", 5);
  const anns = ann.chat(slow);
  await until(async () =>
    /^tollgate_calls_in_flight\S* 1$/m.test((await ask(server.url, "GET /metrics")).text),
  );

  const refused = await ask(server.url, "POST /v1/chat/completions", {
    token: "token-of-bob",
    json: { model: "sim-echo", messages },
  });
  assert.deepEqual([refused.status, refused.code], [503, "OVERLOADED"]);
  assert.equal(refused.headers.get("x-should-retry"), "true");
  assert.match(refused.headers.get("retry-after")!, /^[1-5]$/);
  const bobs = bob.chat();
  for (const line of ["GET /healthz", "GET /readyz"]) assert.equal((await ask(server.url, line)).status, 200);

  await anns;
  const { response } = await bobs;
  assert.ok(bob.sent.length >= 2);
  assertWaited(bob.sent);
  for (const { toldMs } of bob.sent.slice(0, -1)) assert.ok(toldMs >= 1_000 && toldMs <= 5_000);
  assert.equal(response.headers.get("x-ratelimit-remaining"), "49", "only the answered call counts");
  assert.equal((await caller(server.url, "token-of-bob").costs()).calls, 1);
});

test("an overload raises InternalServerError in a client that does not retry", async () => {
  const anns = client("token-of-ann", 0).chat(slow);
  await until(async () =>
    /^tollgate_calls_in_flight\S* 1$/m.test((await ask(server.url, "GET /metrics")).text),
  );
  const error = await client("token-of-bob", 0)
    .chat()
    .catch((raised: unknown) => raised);
  assert.ok(error instanceof InternalServerError);
  assert.deepEqual([error.status, error.code], [503, "OVERLOADED"]);
  await anns;
});

test("every error of every endpoint is a problem to those who ask for problems", async () => {
  const headers = { accept: "application/problem+json", "x-correlation-id": "my-request-1" };
  for (const [line, status, code, more] of [
    ["GET /v1/models", 401, "AUTH_REQUIRED", {}],
    ["GET /v1/models", 401, "AUTH_INVALID", { token: "nobody" }],
    ["GET /nowhere", 404, "NOT_FOUND", {}],
    ["DELETE /healthz", 405, "METHOD_NOT_ALLOWED", {}],
    ["GET /v1/models/%zz", 400, "BAD_REQUEST", {}],
    [`GET /${"x".repeat(9_000)}`, 414, "URI_TOO_LONG", {}],
    ["POST /v1/chat/completions", 400, "VALIDATION_FAILED", { token: "token-of-ann", json: {} }],
  ] as const) {
    const reply = await ask(server.url, line, { ...more, headers });
    assert.equal(reply.headers.get("content-type"), "application/problem+json", line);
    const problem = JSON.parse(reply.text);
    assert.deepEqual([reply.status, problem.status, problem.code], [status, status, code]);
    assert.equal(problem.instance, "urn:correlation:my-request-1");
    for (const text of [problem.type, problem.title, problem.detail]) assert.equal(typeof text, "string");
  }
});

test("a page of a listed origin may call and read what it is told, and no other page may", async () => {
  const asking = {
    headers: {
      origin: page,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
    },
  };
  for (const path of ["/v1/chat/completions", "/projects/"]) {
    const { status, headers } = await ask(server.url, `OPTIONS ${path}`, asking);
    assert.equal(status, 204);
    assert.equal(headers.get("access-control-allow-origin"), page);
    assert.equal(headers.get("access-control-allow-headers"), "authorization");
  }
  for (const [origin, allowed] of [
    [page, page],
    ["https://evil.example.com", null],
  ] as const) {
    const { status, headers } = await ask(server.url, "GET /v1/models", { headers: { origin } });
    assert.equal(status, 401);
    assert.equal(headers.get("access-control-allow-origin"), allowed);
    assert.equal(
      headers.get("access-control-expose-headers")?.includes("Retry-After"),
      allowed === null ? undefined : true,
    );
  }
});
