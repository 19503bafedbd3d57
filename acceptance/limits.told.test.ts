import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { until } from "../gateway/src/lib/until.testing.ts";
import { type Asking, ask, atOnce, type Reply, tally, told } from "./ask.ts";
import * as shapes from "./limit-shapes.ts";
import { issueKey, newAdministrator, newPerson, type Person } from "./people.ts";
import { startTollgate, type Tollgate } from "./server.ts";
import { structuredList } from "./structured-list.ts";

const { CHAT, chat, freshUser, override } = shapes;

let server: Tollgate;
let admin: Person;
let url = "";

/** A window of 20 in 4 s, and 8 places for work. */
before(async () => {
  server = await startTollgate({
    env: {
      ...shapes.shapedEnv,
      RATE_LIMIT_CHAT_PER_WINDOW: "20",
      RATE_LIMIT_WINDOW_SECONDS: "4",
      OVERLOAD_MAX_IN_FLIGHT: "10",
    },
  });
  url = server.url;
  admin = await newAdministrator(url, server.setupToken!);
});
after(async () => {
  await server?.kill("SIGKILL");
  await server?.[Symbol.asyncDispose]();
});

test("25 calls 0.1 s apart on a limit of 20: 20 pass; at resetAt 20 pass again; what is managed goes on", async () => {
  const asked = chat(freshUser().token);
  const replies: Reply[] = [];
  const left: unknown[] = [];
  const startedAt = Date.now();
  for (let i = 0; i < 25; i++) {
    await until(() => Date.now() >= startedAt + 100 * i);
    const reply = await ask(url, CHAT, asked);
    replies.push(reply);
    left.push(standing(reply)?.get("chat-window")?.r);
  }
  assert.deepEqual(
    replies.map(({ status }) => status),
    Array.from({ length: 25 }, (_, i) => (i < 20 ? 200 : 429)),
  );
  assert.deepEqual(
    left,
    Array.from({ length: 25 }, (_, i) => Math.max(0, 19 - i)),
  );
  for (const line of ["GET /v1/models", "GET /v1/limits", "GET /auth/api-keys"]) {
    const { status, headers } = await ask(url, line, { token: asked.token });
    assert.deepEqual([status, headers.get("x-ratelimit-policy")], [200, "ip-minute"], line);
  }
  assert.equal((await ask(url, CHAT, chat(freshUser().token))).status, 200);

  const resetAt = resetAtOf(replies[24]!);
  await until(() => Date.now() >= resetAt - 300);
  assert.equal(resetAtOf(await ask(url, CHAT, asked)), resetAt);
  await until(() => Date.now() >= resetAt);
  const again: Reply[] = [];
  for (let i = 0; i < 25; i++) again.push(await ask(url, CHAT, asked));
  assert.deepEqual(tally(again), { 200: 20, 429: 5 });
});

/** What the answer says of each limit; undefined if it met none. Fails unless all its headers agree. */
function standing(reply: Reply) {
  const { status, headers } = reply;
  const policyField = headers.get("ratelimit-policy");
  if (policyField === null) return undefined;
  const policies = structuredList(policyField);
  const states = structuredList(headers.get("ratelimit")!);
  assert.deepEqual(
    states.map(({ value }) => value),
    policies.map(({ value }) => value),
  );
  const byId = new Map<string, { q: number; r: number; t: number }>();
  for (const [i, { value, parameters }] of states.entries()) {
    const q = Number(policies[i]!.parameters.get("q"));
    const r = Number(parameters.get("r"));
    assert.ok(Number.isInteger(q) && Number.isInteger(r) && r >= 0 && r <= q, policyField);
    byId.set(value, { q, r, t: Number(parameters.get("t")) });
  }
  const limit = Number(headers.get("x-ratelimit-limit"));
  const remaining = Number(headers.get("x-ratelimit-remaining"));
  const named = byId.get(headers.get("x-ratelimit-policy")!);
  assert.deepEqual([named?.q, named?.r], [limit, remaining]);
  if (status === 429) {
    const resetAt = resetAtOf(reply);
    const waitMs = resetAt - Date.now();
    const retryAfter = Number(headers.get("retry-after"));
    assert.ok(retryAfter >= 1 && Math.abs(retryAfter - waitMs / 1000) <= 1.05, `${retryAfter} ${waitMs}`);
    assert.equal(Number(headers.get("x-ratelimit-reset")), Math.ceil(resetAt / 1000));
    const exhausted = [...byId.values()].filter(({ r }) => r === 0);
    assert.ok(exhausted.every(({ t }) => Number.isNaN(t) || retryAfter >= t));
  }
  return byId;
}

/** Milliseconds since the epoch. */
function resetAtOf({ text }: Reply): number {
  return Date.parse((JSON.parse(text) as { error: { resetAt: string } }).error.resetAt);
}

test("every answer that met limits says where its caller stands: what was given back is there again", async () => {
  const user = freshUser();
  const { key } = await issueKey(url, user);
  const scopeless = (await issueKey(url, user, { scopes: [] })).key;
  await override({ urls: [url], admin }, user, { "user-minute": 6, "chat-window": 100, "user-parallel": 50 });
  const json = { name: "poor", budget_allocated: 0 };
  const { id } = await told<{ id: number }>(url, "POST /projects/", { token: admin.token, json });
  const poor = (await issueKey(url, admin, { project_id: id })).key;
  await shapes.awayFromMinuteEnd();
  const left = async (asking: Asking, expected: readonly [number, number | undefined]) => {
    const reply = await ask(url, CHAT, asking);
    assert.deepEqual([reply.status, standing(reply)?.get("user-minute")?.r], expected, reply.text);
  };
  const from = (fields: object, headers = {}): Asking => ({ ...chat(key, fields), headers });
  await left(from({}), [200, 5]);
  await left(chat(scopeless), [403, undefined]);
  await left(from({ messages: [] }), [400, undefined]);
  await left(from({}, { "x-project-id": "999" }), [404, 5]);
  await left(from({ model: "sim-404" }), [404, 4]);
  await left(from({ model: "sim-500" }), [502, 3]);
  await left(from({ stream: true }), [200, 2]);
  await left(from({}), [200, 1]);
  await left(from({}), [200, 0]);
  await left(from({}), [429, 0]);
  for (let i = 0; i < 2; i++) {
    const refused = await ask(url, CHAT, chat(poor, { model: "openai/gpt-5.1" }));
    assert.deepEqual([refused.status, standing(refused)?.get("chat-window")?.r], [402, 20]);
  }
});

test("an overload refuses work only, before anything is used up, and leaves nothing behind", async () => {
  const [busy, idle] = [freshUser().token, freshUser().token];
  const person = await newPerson(url, "person");
  const running = atOnce(8, () => ask(url, CHAT, chat(busy, { model: "sim-delay-1000ms" })));
  await until(async () => (await inFlight(url)) === 8);

  for (const reply of await atOnce(20, () => ask(url, CHAT, chat(idle)))) {
    assert.deepEqual([reply.status, reply.code], [503, "OVERLOADED"]);
    assert.match(reply.headers.get("retry-after")!, /^[1-5]$/);
    assert.equal(reply.headers.get("x-should-retry"), "true");
  }
  const { email, password, refreshToken } = person;
  for (const [line, asking] of [
    ["GET /healthz", {}],
    ["GET /readyz", {}],
    ["POST /auth/login", { json: { email, password } }],
    ["POST /auth/refresh", { json: { refresh_token: refreshToken } }],
  ] as const) {
    assert.equal((await ask(url, line, asking)).status, 200, line);
  }
  assert.equal(await inFlight(url), 8);
  assert.deepEqual(tally(await running), { 200: 8 });
  assert.equal((await shapes.seen(url, idle, "chat-window")).used, 0);

  const { leave } = await shapes.begin([url], busy, 8);
  assert.equal((await ask(url, CHAT, chat(idle))).status, 503);
  leave();
  await until(async () => (await inFlight(url)) === 0);
  const burst = await atOnce(28, () => ask(url, CHAT, chat(idle, { model: "sim-delay-500ms" })));
  assert.deepEqual(tally(burst), { 200: 8, 503: 20 });
});

async function inFlight(at: string): Promise<number> {
  const { text } = await ask(at, "GET /metrics");
  return Number(/^tollgate_calls_in_flight(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1]);
}
