import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../gateway/src/lib/clock.ts";
import type { ClientOptions } from "./client.options.ts";
import { TollgateClient } from "./client.ts";
import { TollgateError } from "./errors.ts";
import { answering, hurriedClock, json, never, refusal } from "./testing.ts";

const clientOf = (options: Partial<ClientOptions>) =>
  new TollgateClient({ baseUrl: "http://gate.test/base/", apiKey: "sk-key", random: () => 0, ...options });

const chat = { model: "m", messages: [{ role: "user", content: "Hello" }] };
const ok = () => json({ items: [], next_cursor: null });

function raised(work: PromiseLike<unknown>): Promise<TollgateError> {
  return Promise.resolve(work).then(
    () => assert.fail("no error"),
    (error: unknown) => {
      assert.ok(error instanceof TollgateError);
      return error;
    },
  );
}

test("a request says what it was asked to, and nothing else", async () => {
  const { fetch, seen } = answering(ok);
  const client = clientOf({ fetch, defaultHeaders: { "x-operation": "greet" } });
  await client.projects.create({ name: "Bridge" }, { headers: { "x-device-id": "d1" } });
  await client.members.remove("teams", 7, "usr/1");
  await client.keys.list({ limit: 3, cursor: undefined });
  assert.deepEqual(
    seen.map(({ method, url, body }) => [method, url, body]),
    [
      ["POST", "http://gate.test/base/projects", { name: "Bridge" }],
      ["DELETE", "http://gate.test/base/teams/7/members/usr%2F1", undefined],
      ["GET", "http://gate.test/base/auth/api-keys?limit=3", undefined],
    ],
  );
  const { headers } = seen[0]!;
  assert.deepEqual(
    ["authorization", "x-operation", "x-device-id", "x-api-key"].map((name) => headers.get(name)),
    ["Bearer sk-key", "greet", "d1", null],
  );
});

test("a refusal is sat out as long as it asks, twice at most", async () => {
  const clock = hurriedClock();
  const { fetch, seen } = answering(() => refusal(429, "RATE_LIMITED", { "retry-after-ms": "1500" }));
  const error = await raised(clientOf({ fetch, clock }).chat.create(chat));
  assert.equal(error.type, "RATE_LIMITED");
  assert.equal(seen.length, 3);
  assert.deepEqual(clock.waits, [1500, 1500]);
});

test("a request that was lost is repeated if it changes nothing, and else only under a key", async () => {
  const attempts = async (ask: (client: TollgateClient) => PromiseLike<unknown>) => {
    const { fetch, seen } = answering(() => Promise.reject(new TypeError("fetch failed")));
    const error = await raised(ask(clientOf({ fetch, clock: hurriedClock() })));
    assert.equal(error.type, "NETWORK_UNREACHABLE");
    return seen;
  };
  assert.equal((await attempts((client) => client.auth.me())).length, 3);
  assert.equal((await attempts((client) => client.decide({ model: "m" }))).length, 3);
  assert.equal((await attempts((client) => client.chat.create(chat))).length, 1);
  assert.equal((await attempts((client) => client.projects.create({ name: "x" }))).length, 1);
  const jobs = await attempts((client) => client.jobs.create({ project_id: 1, type: "t", payload: {} }));
  const keys = jobs.map(({ body }) => (body as { idempotency_key: string }).idempotency_key);
  assert.deepEqual([keys.length, new Set(keys).size], [3, 1]);
  assert.match(keys[0]!, /^[0-9a-f]{32}$/);
});

test("a silent server is given up after the time-out, at whatever point it falls silent", async () => {
  const clock = hurriedClock();
  const silent = clientOf({ ...answering(never), clock, timeoutMs: 5_000, maxRetries: 0 });
  assert.equal((await raised(silent.auth.me())).type, "NETWORK_TIMEOUT");
  const half = answering(({ signal }) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('data: {"choices":[]}\n\n'));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });
  const stream = await clientOf({ ...half, clock, timeoutMs: 5_000 }).chat.stream(chat);
  const parts = stream[Symbol.asyncIterator]();
  assert.deepEqual((await parts.next()).value, { choices: [] });
  assert.equal((await raised(parts.next())).type, "NETWORK_TIMEOUT");
});

test("a signal ends a wait between two attempts", async () => {
  const controller = new AbortController();
  const reason = new Error("left");
  const { fetch, seen } = answering(() => {
    setImmediate(() => controller.abort(reason));
    return refusal(503, "OVERLOADED", { "retry-after": "3" });
  });
  const client = clientOf({ fetch, clock: new VirtualClock() });
  await assert.rejects(client.chat.create(chat, { signal: controller.signal }), (error) => error === reason);
  assert.equal(seen.length, 1);
  await assert.rejects(client.auth.me({ signal: controller.signal }), (error) => error === reason);
  assert.equal(seen.length, 1);
});

test("an answer that is no JSON is an error of its own, and text is text", async () => {
  const page = "<html>Sign in to this network";
  const bodies = [
    ["text/html", page, "The answer is text/html, not JSON."],
    ["application/json", "", "The answer is empty, not JSON."],
    ["application/json", '{"id":', "The answer is damaged, not JSON."],
    ["text/plain", "OK", "The answer is text/plain, not JSON."],
    ["application/json", "null", "The answer is JSON, but not the gateway's."],
  ] as const;
  for (const [type, body, message] of bodies) {
    const headers = { "content-type": type, "x-correlation-id": "req_1" };
    const { fetch, seen } = answering(() => new Response(body, { headers }));
    const error = await raised(clientOf({ fetch }).auth.me());
    const { type: name, code, status, correlationId } = error;
    assert.deepEqual(
      [name, code, status, correlationId, error.message, seen.length],
      ["UNREADABLE_ANSWER", "UNREADABLE_ANSWER", 200, "req_1", message, 1],
    );
    assert.equal((await raised(clientOf({ fetch }).chat.stream(chat))).type, "UNREADABLE_ANSWER");
  }
  const { fetch } = answering(() => new Response(null, { status: 204 }));
  assert.equal(await clientOf({ fetch }).request("POST /auth/logout", {}), undefined);
  const proxy = answering(() => new Response(page, { status: 502 }));
  const error = await raised(clientOf({ ...proxy, maxRetries: 0 }).auth.me());
  assert.equal(error.type, "PROVIDER_UNAVAILABLE");
  const text = answering(() => new Response("# HELP", { headers: { "content-type": "text/plain" } }));
  assert.equal(await clientOf(text).request("GET /metrics", {}), "# HELP");
  const table = answering(() => new Response("", { headers: { "content-type": "text/csv" } }));
  assert.equal(await clientOf(table).request("GET /costs/report", { query: { format: "csv" } }), "");
});

test("an answer can be awaited, caught and followed like any promise", async () => {
  const good = clientOf(answering(() => json({ id: "usr_1" })));
  const [{ id }, other] = await Promise.all([good.auth.me(), good.auth.me().then((user) => user.id)]);
  assert.deepEqual([id, other], ["usr_1", "usr_1"]);
  const bad = clientOf(answering(() => refusal(403, "FORBIDDEN")));
  assert.equal(await bad.auth.me().catch(({ type }) => type), "FORBIDDEN");
  let isOver = false;
  await assert.rejects(
    bad.auth.me().finally(() => {
      isOver = true;
    }),
  );
  assert.ok(isOver);
  await assert.rejects(bad.keys.list().withResponse(), { type: "FORBIDDEN" });
  await assert.rejects(bad.keys.list().pages().next(), { type: "FORBIDDEN" });
});

test("a logger hears of calls and failures, and of no credential", async () => {
  const lines: unknown[] = [];
  const logger = {
    debug: (...line: unknown[]) => lines.push(line),
    warn: (...line: unknown[]) => lines.push(line),
  };
  const { fetch } = answering((_, number) => (number === 0 ? refusal(503, "OVERLOADED") : ok()));
  await clientOf({ fetch, logger, clock: hurriedClock() }).keys.list();
  assert.equal(lines.length, 3);
  assert.ok(!JSON.stringify(lines).includes("sk-key"));
});
