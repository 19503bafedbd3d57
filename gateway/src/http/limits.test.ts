import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { type TestApp, testApp } from "../app.testing.ts";
import { createBudget } from "../costs/budgets.ts";
import { picoFromUsd } from "../lib/money.ts";
import { until } from "../lib/until.testing.ts";

const plan = (limits: Record<string, number>) => ({ plans: { default: { limits } } });

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

test("a call that its budget refuses uses up no limit", async () => {
  await using app = await testApp({ KEY_RATE_LIMIT_PER_MINUTE: "1", KEY_RATE_LIMIT_BURST: "3" });
  const key = await app.key({ dailyQuota: 2 });
  const scope = { scope: "user", scopeId: "usr_dev" } as const;
  await createBudget(app.store.db, { ...scope, allocatedPico: picoFromUsd("0"), period: "none" }, 0);
  for (let round = 0; round < 5; round++) {
    const response = await app.chat(key, { model: "openai/gpt-5.1" });
    assert.equal(response.status, 402, await response.text());
  }
  await app.store.db.deleteFrom("budgets").execute();
  assert.equal((await app.chat(key)).status, 200, "a budget that was removed refuses nobody any more");
});

test("so many calls at a time as the plan says, and a place is free again however its call ends", async () => {
  await using app = await testApp({}, plan({ calls_in_flight: 2 }));
  const key = await app.key();
  const slow = () => app.chat(key, { model: "sim-slow-20tps", stream: true });
  const [first, second] = await Promise.all([slow(), slow()]);
  const third = await slow();
  assert.equal(third.status, 429);
  assert.equal(third.headers.get("retry-after"), "1");
  assert.equal(third.headers.get("x-should-retry"), "true");
  assert.equal(await codeOf(third), "RATE_LIMITED");
  await first.body!.cancel();
  await until(async () => (await app.chat(key)).status === 200);
  await second.body!.cancel();
  const failing = await app.chat(key, { model: "sim-500" });
  assert.equal(failing.status, 502);
  await until(async () =>
    (await Promise.all([app.chat(key), app.chat(key)])).every(({ status }) => status === 200),
  );
});

test("tokens are reserved by what a call asks for and corrected to what it came to", async () => {
  await using app = await testApp({}, plan({ tokens_per_minute: 1_000 }));
  const key = await app.key();
  for (let round = 0; round < 8; round++) {
    const response = await app.chat(key, { max_tokens: 700 });
    assert.equal(response.status, 200, `round ${round}: ${await response.text()}`);
  }
  const large = await app.chat(key, { max_tokens: 5_000 });
  assert.equal(large.status, 400);
  assert.equal(await codeOf(large), "REQUEST_EXCEEDS_LIMIT");
});

test("who sends nothing but invalid requests is held, by key, and everybody else goes on", async () => {
  await using app = await testApp({ ABUSE_VALIDATION_FAILURES: "3" });
  const [bad, good] = [await app.key(), await app.key()];
  for (let round = 0; round < 3; round++) assert.equal((await app.chat(bad, { messages: [] })).status, 400);
  await until(async () => (await app.chat(bad)).status === 429);
  const held = await app.chat(bad);
  const { error } = (await held.json()) as { error: { code: string; resetAt: string; limit: string } };
  assert.deepEqual([error.code, error.limit], ["COOLDOWN", "key-cooldown"]);
  const waitMs = Date.parse(error.resetAt) - Date.now();
  assert.ok(waitMs > 25_000 && waitMs <= 30_000, String(waitMs));
  assert.equal((await app.chat(good)).status, 200);
  const { entry } = await app.store.db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .executeTakeFirstOrThrow();
  assert.equal((JSON.parse(entry) as { action: string }).action, "cooldown.start");
});

test("an address that tries credentials is held, and valid ones that are known go on from there", async () => {
  await using app = await testApp({ ABUSE_INVALID_CREDENTIALS: "3" });
  const key = await app.key();
  assert.equal((await app.chat(key)).status, 200);
  const guess = () => app.fetch("/v1/models", { key: `guess-${Math.random()}` });
  await until(async () => (await guess()).status === 429);
  assert.equal(await codeOf(await guess()), "COOLDOWN");
  assert.equal((await app.chat(key)).status, 200);
  const anonymous = await app.fetch("/auth/register", { method: "POST", json: {} });
  assert.equal(await codeOf(anonymous), "COOLDOWN");
});

test("asking for what is not there again and again is held as well", async () => {
  await using app = await testApp({ ABUSE_NOT_FOUND: "4" });
  const key = await app.key({ scopes: ["projects:read"] });
  await until(async () => (await app.fetch("/projects/999", { key })).status === 429);
  assert.equal(await codeOf(await app.fetch("/projects", { key })), "COOLDOWN");
});

test("protections that only report let everything pass and count what they would have refused", async () => {
  const modes = {
    SCOPES_MODE: "report",
    RATE_LIMITS_MODE: "report",
    QUOTAS_MODE: "report",
    ABUSE_MODE: "report",
  };
  const app: TestApp = await testApp({
    ...modes,
    KEY_RATE_LIMIT_PER_MINUTE: "1",
    KEY_RATE_LIMIT_BURST: "1",
    ABUSE_VALIDATION_FAILURES: "2",
  });
  await using _ = app;
  const key = await app.key({ scopes: [], dailyQuota: 1 });
  for (let round = 0; round < 3; round++) assert.equal((await app.chat(key, { messages: [] })).status, 400);
  for (let round = 0; round < 3; round++) assert.equal((await app.chat(key)).status, 200);
  const metrics = await (await app.fetch("/metrics")).text();
  for (const what of ["scope inference:write", "key-minute", "key-day"]) {
    assert.match(metrics, new RegExp(`protection_would_refuse_total\\{what="${what}"\\} [1-9]`));
  }
  await using off = await testApp({ RATE_LIMITS_MODE: "off", KEY_RATE_LIMIT_PER_MINUTE: "0" });
  assert.equal((await off.chat(await off.key())).headers.get("x-ratelimit-limit"), null);
});

test("requests whose bodies never arrive take nobody's place", async () => {
  await using app = await testApp({ OVERLOAD_MAX_IN_FLIGHT: "5" });
  const key = await app.key();
  const { port } = new URL(app.url);
  const sockets = await Promise.all(
    Array.from({ length: 12 }, async (_, index) => {
      const socket = connect(Number(port), "127.0.0.1");
      await once(socket, "connect");
      const path = index % 2 === 0 ? "/nothing" : "/auth/login";
      const head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 9";
      socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n\r\n{`);
      return socket;
    }),
  );
  for (let round = 0; round < 5; round++) assert.equal((await app.chat(key)).status, 200);
  for (const socket of sockets) socket.destroy();
});
