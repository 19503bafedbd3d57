import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, callerBy, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let boss: Caller;
let users = 0;

before(async () => {
  const off = { KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" };
  app = await testApp({ ...off, RATE_LIMIT_CHAT_PER_WINDOW: "50" });
  boss = await newCaller(app, "usr_boss", "admin");
});
after(() => app.close());

type Shown = { id: string; scope: string; limit: number; used: number; remaining: number; mode: string };

/** A user on a plan of its own, with a key that does everything. */
async function onPlan(limits: Json) {
  users += 1;
  const [id, plan] = [`usr_u${users}`, `plan-${users}`];
  const ask = await newCaller(app, id);
  const setPlan = (changed: Json) => boss("PUT", `/admin/plans/${plan}`, { limits: changed });
  await setPlan(limits);
  await boss("PATCH", `/admin/users/${id}`, { plan });
  const chat = async () => {
    const json = { model: "sim-echo", messages: [{ role: "user", content: "Hello" }] };
    return (await ask("POST", "/v1/chat/completions", json)).status;
  };
  const path = `/admin/users/${id}/limits`;
  const see = async (limit: string, by = boss, where = path) => {
    const { json } = await by("GET", where);
    return (json.limits as Shown[]).find((one) => one.id === limit);
  };
  return { id, plan, ask, setPlan, chat, path, see };
}

const refused = (answered: { status: number; json: Json }, status: number, code: string) =>
  assert.deepEqual([answered.status, answered.json.code], [status, code]);

test("a limit set for a user goes before that of the plan, and both before the settings", async () => {
  const { path, see, chat } = await onPlan({ requests_per_minute: 20 });
  const limits = async () => [(await see("user-minute"))?.limit, (await see("chat-window"))?.limit];
  assert.deepEqual(await limits(), [20, 50]);
  await boss("PATCH", path, { overrides: { "user-minute": 2, "chat-window": 1 } });
  assert.deepEqual(await limits(), [2, 1]);
  assert.deepEqual([await chat(), await chat()], [200, 429]);
  await boss("PATCH", path, { overrides: { "chat-window": null } });
  assert.deepEqual(await limits(), [2, 50]);
  assert.deepEqual([await chat(), await chat()], [200, 429]);
});

test("a plan's change counts at the very next request, and what was used stays used", async () => {
  const { chat, setPlan, see } = await onPlan({ requests_per_minute: 9 });
  assert.deepEqual([await chat(), await chat(), await chat()], [200, 200, 200]);
  await setPlan({ requests_per_minute: 3 });
  assert.equal(await chat(), 429);
  await setPlan({ requests_per_minute: 4, daily_requests: 1 });
  assert.deepEqual([await chat(), await chat()], [200, 429]);
  assert.equal((await see("user-minute"))?.remaining, 0);
  await setPlan({});
  assert.equal(await see("user-minute"), undefined);
  assert.equal(await chat(), 200);
});

test("a caller sees its own limits, an administrator those of all a user's keys", async () => {
  const { id, plan, ask, chat, path, see } = await onPlan({ daily_requests: 10 });
  await chat();
  const own = await ask("GET", "/v1/limits");
  assert.equal(own.json.plan, plan);
  assert.deepEqual(own.json.cooldowns, []);
  const day = (own.json.limits as Json[]).find((limit) => limit.id === "user-day")!;
  const midnight = new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000).toISOString();
  const expected = { id: "user-day", shape: "daily_quota", scope: "user", limit: 10, window_seconds: 86_400 };
  assert.deepEqual(day, { ...expected, used: 1, remaining: 9, reset_at: midnight, mode: "enforce" });
  assert.deepEqual(await see("user-day"), day);

  const made = await ask("POST", "/auth/api-keys", { name: "other", scopes: [], daily_quota: 3 });
  assert.deepEqual(await see("key-day", ask, "/v1/limits"), undefined);
  const ofKey = (await see("key-day"))!;
  assert.deepEqual([ofKey.scope, ofKey.used, ofKey.remaining], [`key:${made.json.prefix}`, 0, 3]);
  await callerBy(app, { userId: id, dailyQuota: 4 });
  const { json } = await boss("GET", path);
  const quotas = (json.limits as Shown[]).filter((limit) => limit.id === "key-day");
  assert.deepEqual(quotas.map(({ limit }) => limit).toSorted(), [3, 4]);
  await ask("DELETE", `/auth/api-keys/${made.json.id}`);
  assert.equal((await see("key-day"))?.limit, 4);
});

test("after a reset a user's limits begin anew, in the counters and in the database", async () => {
  const { id, chat, path, see } = await onPlan({ requests_per_minute: 100, daily_requests: 2 });
  const keyed = await callerBy(app, { userId: id, dailyQuota: 1 });
  const chatBy = (by: Caller) =>
    by("POST", "/v1/chat/completions", { model: "sim-echo", messages: [{ role: "user", content: "x" }] });
  assert.deepEqual([(await chatBy(keyed)).status, (await chatBy(keyed)).status], [200, 429]);
  assert.deepEqual([await chat(), await chat()], [200, 429]);

  const one = await boss("POST", `${path}/reset`, { id: "user-day" });
  assert.equal((one.json.limits as Shown[]).find((limit) => limit.id === "user-day")?.used, 0);
  assert.equal((await see("user-minute"))?.used, 2);
  assert.equal((await see("key-day"))?.used, 1);
  assert.deepEqual([await chat(), (await chatBy(keyed)).status], [200, 429]);

  assert.equal((await boss("POST", `${path}/reset`)).status, 200);
  assert.deepEqual([(await see("user-minute"))?.used, (await see("key-day"))?.used], [0, 0]);
  const { used } = await app.store.db
    .selectFrom("usage_counters")
    .select("used")
    .where("subject_kind", "=", "user-day")
    .where("subject_id", "=", id)
    .executeTakeFirstOrThrow();
  assert.equal(used, 0);
  assert.equal((await chatBy(keyed)).status, 200);
});

test("what is set and reset is on record with before and after", async () => {
  const { id, path } = await onPlan({});
  await boss("PATCH", path, { overrides: { "user-minute": 5 } });
  await boss("PATCH", path, { overrides: { "user-minute": 6, "user-day": 7 } });
  await boss("PATCH", path, { overrides: { "user-minute": null } });
  await boss("PATCH", path, { overrides: {} });
  await boss("POST", `${path}/reset`, { id: "user-minute" });
  const entries = (await auditOf(app)).filter(({ target }) => target === `user ${id}`);
  assert.deepEqual(
    entries.map(({ action, changes, reason }) => [action, changes ?? reason]),
    [
      ["limit.change", { plan: [null, `plan-${users}`] }],
      ["limit.change", { "user-minute": [null, 5] }],
      ["limit.change", { "user-minute": [5, 6], "user-day": [null, 7] }],
      ["limit.change", { "user-minute": [6, null] }],
      ["limit.reset", "user-minute"],
    ],
  );
});

test("only limits that are a user's own are set and reset, and each fault is told at its place", async () => {
  const { id, path } = await onPlan({});
  for (const [body, where] of [
    [{ overrides: { nothing: 1 } }, "overrides.nothing"],
    [{ overrides: { constructor: 1 } }, "overrides.constructor"],
    [{ overrides: { "ip-minute": 1 } }, "overrides.ip-minute"],
    [{ overrides: { "user-cooldown": 1 } }, "overrides.user-cooldown"],
    [{ overrides: { "user-minute": -1 } }, "overrides.user-minute"],
    [{ overrides: { "user-minute": "1" } }, "overrides.user-minute"],
    [{ overrides: {}, plan: "x" }, "plan"],
    [{ limit_overrides: {} }, "overrides"],
  ] as const) {
    const answered = await boss("PATCH", path, body);
    refused(answered, 400, "VALIDATION_FAILED");
    assert.equal((answered.json.details as Json[])[0]?.path, where);
  }
  refused(await boss("POST", `${path}/reset`, { id: "nothing" }), 400, "VALIDATION_FAILED");
  refused(await boss("POST", `${path}/reset`, { used: 3 }), 400, "VALIDATION_FAILED");
  const { limit_overrides } = await app.store.db
    .selectFrom("users")
    .select("limit_overrides")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  assert.deepEqual(limit_overrides, {});
});

test("limits of users who are not there are not there, and nobody else's are anybody's to see", async () => {
  const { path, ask } = await onPlan({});
  for (const [method, suffix, json] of [
    ["GET", ""],
    ["PATCH", "", { overrides: { "user-minute": 1 } }],
    ["POST", "/reset", {}],
  ] as const) {
    refused(await boss(method, `/admin/users/usr_nobody/limits${suffix}`, json), 404, "NOT_FOUND");
    refused(await ask(method, path + suffix, json), 403, "SCOPE_MISSING");
  }
  const blind = await callerBy(app, { userId: "usr_boss", scopes: ["inference:write"] });
  refused(await blind("GET", "/v1/limits"), 403, "SCOPE_MISSING");
});
