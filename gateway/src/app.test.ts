import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { projectOf } from "./access/testing.ts";
import { type TestApp, testApp } from "./app.testing.ts";
import { createBudget } from "./costs/budgets.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { picoFromUsd } from "./lib/money.ts";
import { until } from "./lib/until.testing.ts";

let app: TestApp;
before(async () => {
  app = await testApp({ APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann" });
});
after(() => app.close());

async function project(ownerId: string, budgetUsd?: string): Promise<number> {
  const { db } = app.store;
  const id = await projectOf(db, ownerId);
  if (budgetUsd !== undefined) {
    const budget = {
      scope: "project",
      scopeId: String(id),
      allocatedPico: picoFromUsd(budgetUsd),
      period: "none",
    } as const;
    await createBudget(db, budget, clock.now());
  }
  return id;
}

async function errorOf(response: Response): Promise<{ code: string; details?: readonly { path: string }[] }> {
  return ((await response.json()) as { error: { code: string } }).error;
}

test("a call's log line says who called, what ran and what it cost, and not a word of the prompt", async () => {
  const key = await app.key();
  const messages = [{ role: "user", content: "the-secret-of-the-prompt" }];
  const response = await app.chat(key, { messages }, { "x-correlation-id": "correlation-of-this-test" });
  await response.text();
  const line = app.logs().find(({ correlationId }) => correlationId === "correlation-of-this-test");
  assert.equal(line?.userId, "usr_dev");
  assert.equal(line?.keyPrefix, key.slice(7, 19));
  assert.equal(line?.provider, "simulated");
  assert.equal(line?.model, "sim-echo");
  assert.equal(line?.outcome, "completed");
  assert.equal(line?.costUsd, response.headers.get("x-tollgate-cost-usd"));
  assert.doesNotMatch(JSON.stringify(app.logs()), /the-secret-of-the-prompt/);
});

test("a caller without a bound key names the project that pays, and it must be one of its own", async () => {
  const own = await project("usr_ann");
  const foreign = await project("usr_dev");
  const named = (id: string) => app.chat("token-of-ann", {}, { "x-project-id": id });
  assert.equal((await named(String(own))).status, 200);
  const [hidden, unknown] = await Promise.all([named(String(foreign)), named("999999")]);
  assert.deepEqual([hidden.status, unknown.status], [404, 404]);
  for (const header of ["0", "-1", "1.0", "1,2", "mine", "9".repeat(16)]) {
    const malformed = await named(header);
    assert.equal(malformed.status, 400, header);
    assert.equal(malformed.headers.get("x-ratelimit-limit"), null, "nothing was taken");
    assert.equal((await errorOf(malformed)).details?.[0]?.path, "X-Project-Id");
  }
  const calls = app.store.db.selectFrom("prompt_runs").where("user_id", "=", "usr_ann");
  assert.deepEqual(await calls.select("project_id").execute(), [{ project_id: own }]);
});

test("a key bound to a project is paid by it, and 402 tells when its budget is used up", async () => {
  const rich = await app.key({ projectId: await project("usr_dev", "1.00") });
  const poor = await app.key({ projectId: await project("usr_dev", "0.000001") });
  assert.equal((await app.chat(rich)).status, 200);
  const refused = await app.chat(poor);
  assert.equal(refused.status, 402);
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.equal((await errorOf(refused)).code, "BUDGET_EXCEEDED");
});

test("a client that leaves ends its pipelined calls too, also those that never got their turn", async () => {
  const key = await app.key({ userId: "usr_ann", scopes: ["inference:write"] });
  const body = JSON.stringify({
    model: "sim-slow-20tps",
    stream: true,
    messages: [{ role: "user", content: "Hi" }],
  });
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n`;
  const request = `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const { port } = new URL(app.url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write(request + request);
  const reservations = () => app.store.db.selectFrom("reservations").select("id").execute();
  await until(async () => (await reservations()).length === 2);
  socket.destroy();
  await until(async () => (await reservations()).length === 0);
  const calls = app.store.db.selectFrom("prompt_runs").where("model", "=", "sim-slow-20tps");
  assert.deepEqual(await calls.select("outcome").execute(), [{ outcome: "aborted" }, { outcome: "aborted" }]);
});

test("a connection that never sends anything does not hold up a stop", async () => {
  const own = await testApp();
  const { port } = new URL(own.url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  const startedAt = clock.monotonic();
  await own.close();
  assert.ok(clock.monotonic() - startedAt < 5_000);
  socket.destroy();
});

test("X-Operation names the operation in the report of the day", async () => {
  const key = await app.key({ userId: "usr_ann" });
  assert.equal((await app.chat(key, {}, { "x-operation": "summarise.mail" })).status, 200);
  assert.equal((await app.chat(key, {}, { "x-operation": "NOT an operation" })).status, 400);
  const report = (await (await app.fetch("/health/costs/daily", { key })).json()) as {
    breakdown: readonly { operation: string; calls: number }[];
  };
  assert.deepEqual(
    report.breakdown.filter(({ operation }) => operation.includes("mail")).map(({ calls }) => calls),
    [1],
  );
});

test("the daily report is the caller's own, for the day that is asked for", async () => {
  const key = await app.key();
  await app.chat(key);
  const report = async (path: string, who: string) =>
    (await (await app.fetch(path, { key: who })).json()) as { day: string; totals: { calls: number } };
  assert.equal((await report("/health/costs/daily?day=2020-02-29", key)).totals.calls, 0);
  assert.ok((await report("/health/costs/daily", key)).totals.calls > 0);
  const wrong = await app.fetch("/health/costs/daily?day=yesterday", { key });
  assert.deepEqual([wrong.status, (await errorOf(wrong)).details?.[0]?.path], [400, "day"]);
});
