import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { scopes } from "../../access/permissions.ts";
import { type TestApp, testApp } from "../../app.testing.ts";
import { until } from "../../lib/until.testing.ts";
import { auditOf, type Caller, callerBy, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let viewer: Caller;
let developer: Caller;
let stranger: Caller;
let project: number;

before(async () => {
  app = await testApp({ ABUSE_MODE: "off", JOB_RETRY_BASE_SECONDS: "1" });
  ann = await newCaller(app, "usr_ann");
  viewer = await newCaller(app, "usr_viewer");
  developer = await newCaller(app, "usr_dev2");
  stranger = await newCaller(app, "usr_stranger");
  project = (await ann("POST", "/projects", { name: "Jobs" })).json.id as number;
  for (const role of ["viewer", "developer"]) {
    const user_id = role === "viewer" ? "usr_viewer" : "usr_dev2";
    await ann("POST", `/projects/${project}/members`, { user_id, role });
  }
});
after(() => app.close());

const feature = { type: "implement_feature", payload: { task: "Build login page" } };
const create = (fields: Json = {}, by = developer) =>
  by("POST", "/jobs/", { project_id: project, ...feature, ...fields });
const slow = { payload: { task: "x", model: "sim-delay-30000ms" } };
const dead = { payload: { task: "x", model: "sim-400" } };

async function ended(id: unknown, status: string): Promise<Json> {
  let job: Json = {};
  await until(
    async () => {
      job = (await ann("GET", `/jobs/${id}`)).json;
      return job.status === status;
    },
    { what: () => `${JSON.stringify(job)} to be ${status}` },
  );
  return job;
}

test("the sample of the requirements makes a job, which is done, and says what it cost", async () => {
  const { status, json } = await create();
  assert.equal(status, 201);
  assert.equal(json.status, "pending");
  assert.ok((json.estimated_cost as number) > 0);
  const { id, result, created_at, started_at, completed_at, actual_duration, ...job } = await ended(
    json.id,
    "completed",
  );
  assert.deepEqual(result, { text: "Build login page" });
  assert.ok(
    (created_at as string) <= (started_at as string) && (started_at as string) <= (completed_at as string),
  );
  assert.equal(
    actual_duration,
    (Date.parse(completed_at as string) - Date.parse(started_at as string)) / 1000,
  );
  assert.ok((job.tokens_used_input as number) > 0 && (job.tokens_used_output as number) > 0);
  assert.equal(job.tokens_used_total, (job.tokens_used_input as number) + (job.tokens_used_output as number));
  assert.ok((job.actual_cost as number) > 0 && (job.actual_cost as number) <= (job.estimated_cost as number));

  const costs = (await ann("GET", `/costs/jobs/${id}`)).json as Json & { attempts: Json[] };
  assert.equal(costs.actual_cost_usd, job.actual_cost_usd);
  assert.deepEqual(
    costs.attempts.map(({ attempt, outcome, cost_usd }) => [attempt, outcome, cost_usd]),
    [[1, "completed", job.actual_cost_usd]],
  );
  const key = await app.key({ userId: "usr_ann" });
  const csv = await (await app.fetch(`/costs/jobs/${id}?format=csv`, { key })).text();
  assert.match(csv, new RegExp(`^attempt,call_id,.*\\r\\n1,.*,completed,.*,${job.actual_cost_usd}\\r\\n$`));
  const report = (await ann("GET", `/costs/projects/${project}`)).json as Json & { trend: Json[] };
  assert.deepEqual([report.total_jobs, report.completed_jobs, report.failed_jobs], [1, 1, 0]);
  assert.equal(report.trend.at(-1)!.jobs, 1);
  assert.equal(report.average_cost_per_job_usd, job.actual_cost_usd);
  const ledger = await sql<{ operation: string; project_id: number; user_id: string }>`
    select operation, project_id, user_id from prompt_runs where id = ${costs.attempts[0]!.call_id}`.execute(
    app.store.db,
  );
  assert.deepEqual(ledger.rows, [
    { operation: "implement_feature", project_id: project, user_id: "usr_dev2" },
  ]);
});

test("the same idempotency key answers the first job with 200, another body 409", async () => {
  const first = await create({ idempotency_key: "order-1" });
  const again = await create({ idempotency_key: "order-1" });
  assert.deepEqual([first.status, again.status, again.json.id], [201, 200, first.json.id]);
  const other = await create({ idempotency_key: "order-1", priority: 1 });
  assert.deepEqual([other.status, other.json.code], [409, "IDEMPOTENCY_CONFLICT"]);
  const key = await app.key({ userId: "usr_dev2", scopes: [...scopes] });
  const byHeader = (header: string, json: Json) =>
    app.fetch("/jobs", {
      method: "POST",
      key,
      headers: { "idempotency-key": header },
      json: { project_id: project, ...feature, ...json },
    });
  assert.equal(((await (await byHeader("order-1", {})).json()) as Json).id, first.json.id);
  assert.equal((await byHeader("order-2", { idempotency_key: "order-1" })).status, 400);
  assert.equal((await byHeader("with space", {})).status, 400);
});

test("a job counts on the daily quota like a call, and its repetition does not", async () => {
  const key = await app.key({ userId: "usr_ann", scopes: ["jobs:write"], dailyQuota: 2 });
  const post = async (idempotency_key: string) => {
    const json = { project_id: project, ...feature, idempotency_key };
    const response = await app.fetch("/jobs", { method: "POST", key, json });
    await response.text();
    return [response.status, response.headers.get("x-ratelimit-remaining")];
  };
  assert.deepEqual(await post("a"), [201, "1"]);
  assert.deepEqual(await post("a"), [200, "1"]);
  assert.deepEqual(await post("b"), [201, "0"]);
  assert.deepEqual((await post("c"))[0], 429);
});

test("a payload that is not the operation's is refused with the path of each fault", async () => {
  const faults = async (fields: Json) => {
    const { status, json } = await create(fields);
    assert.equal(status, 400);
    return (json.details as Json[]).map(({ path }) => path);
  };
  assert.deepEqual(await faults({ type: "cook" }), ["type"]);
  assert.deepEqual(await faults({ payload: {} }), ["payload.task"]);
  assert.deepEqual(await faults({ payload: { task: 5, extra: 1 } }), ["payload.task", "payload.extra"]);
  assert.deepEqual(await faults({ type: "extract", payload: { text: "x", fields: ["a", 5] } }), [
    "payload.fields[1]",
  ]);
  const { status, json } = await create({ payload: { task: "x".repeat(1_100_000) } });
  assert.deepEqual([status, json.code], [413, "PAYLOAD_TOO_LARGE"]);
});

test("texts come back as they were sent, whatever they hold", async () => {
  const task = "a\0b \ud800 é 😀";
  const { status, json } = await create({ payload: { task } });
  assert.equal(status, 201);
  assert.deepEqual(json.payload, { task });
});

test("each level does what it may, and a stranger finds nothing", async () => {
  const { id } = (await create({ ...slow, type: "implement_feature" })).json;
  assert.equal((await viewer("GET", `/jobs/${id}`)).status, 200);
  assert.equal((await viewer("POST", `/jobs/${id}/cancel`, {})).status, 403);
  assert.equal((await create({}, viewer)).status, 403);
  assert.equal((await developer("POST", `/jobs/${id}/retry`, {})).status, 403);
  assert.equal((await developer("DELETE", `/jobs/${id}`)).status, 403);
  const nowhere = await stranger("GET", "/jobs/999999");
  for (const [method, path] of [
    ["GET", `/jobs/${id}`],
    ["POST", `/jobs/${id}/cancel`],
    ["POST", `/jobs/${id}/retry`],
    ["DELETE", `/jobs/${id}`],
    ["GET", `/costs/jobs/${id}`],
  ] as const) {
    const found = await stranger(method, path, method === "POST" ? {} : undefined);
    assert.deepEqual([found.status, found.text], [404, nowhere.text], path);
  }
  assert.equal((await create({}, stranger)).status, 404);
  assert.deepEqual((await stranger("GET", "/jobs")).json.items, []);
  assert.equal((await stranger("GET", `/jobs?project_id=${project}`)).status, 404);
  assert.equal((await developer("POST", `/jobs/${id}/cancel`, {})).status, 200);
  await ended(id, "cancelled");
  assert.equal((await developer("POST", `/jobs/${id}/cancel`, {})).json.status, "cancelled");
});

test("lists show the newest first, page by page, by state, project and type", async () => {
  const other = (await ann("POST", "/projects", { name: "Other" })).json.id as number;
  const ids: number[] = [];
  for (const fields of [{}, {}, { type: "summarize", payload: { text: "x" } }]) {
    ids.unshift((await ann("POST", "/jobs", { project_id: other, ...feature, ...fields })).json.id as number);
  }
  for (const id of ids) await ended(id, "completed");
  const list = async (query: string) =>
    (await ann("GET", `/jobs?project_id=${other}${query}`)).json as {
      items: Json[];
      next_cursor: string | null;
    };
  const first = await list("&limit=2");
  const second = await list(`&limit=2&cursor=${first.next_cursor}`);
  assert.deepEqual(
    [...first.items, ...second.items].map(({ id }) => id),
    ids,
  );
  assert.equal(second.next_cursor, null);
  assert.deepEqual(
    (await list("&type=summarize")).items.map(({ id }) => id),
    [ids[0]],
  );
  assert.deepEqual((await list("&status=blocked")).items, []);
  assert.equal((await ann("GET", "/jobs?status=failed")).status, 400);
});

test("a dead letter keeps what went wrong, and is retried or discarded by those who manage", async () => {
  const { id } = (await create(dead)).json;
  const job = await ended(id, "dead_letter");
  assert.equal(job.failure_reason, "fatal error");
  assert.match(job.last_error as string, /^PROVIDER_REJECTED: /);
  assert.ok(((await ann("GET", "/jobs/dead-letter")).json.items as Json[]).some((one) => one.id === id));
  assert.deepEqual((await developer("GET", "/jobs/dead-letter")).json.items, []);
  assert.equal((await developer("GET", `/jobs/dead-letter?project_id=${project}`)).status, 403);
  assert.equal((await ann("GET", `/costs/projects/${project}`)).json.failed_jobs, 1);

  const retried = await ann("POST", `/jobs/${id}/retry`, {});
  assert.deepEqual(
    [retried.status, retried.json.status, retried.json.failure_reason],
    [200, "pending", null],
  );
  await ended(id, "dead_letter");
  assert.equal(((await ann("GET", `/costs/jobs/${id}`)).json.attempts as Json[]).length, 2);
  assert.equal((await ann("POST", `/jobs/${id}/cancel`, {})).status, 409);
  assert.equal((await ann("DELETE", `/jobs/${id}`)).status, 204);
  assert.equal((await ann("GET", `/jobs/${id}`)).status, 404);
  const { json } = await create();
  await ended(json.id, "completed");
  assert.equal((await ann("POST", `/jobs/${json.id}/retry`, {})).status, 409);
  assert.equal((await ann("DELETE", `/jobs/${json.id}`)).status, 409);
  const noted = (await auditOf(app))
    .filter(({ target }) => target === `job ${id}`)
    .map(({ action }) => action);
  assert.deepEqual(noted, ["job.retry", "job.discard"]);
});

test("a job without budget costs nothing, and goes on at once when the budget is raised", async () => {
  const poor = (await ann("POST", "/projects", { name: "Poor", budget_allocated: 0 })).json.id as number;
  const { json } = await ann("POST", "/jobs", { project_id: poor, ...feature });
  assert.deepEqual(
    [json.status, json.failure_reason, json.started_at],
    ["blocked", "Project budget exceeded", null],
  );
  assert.equal((await ann("GET", `/costs/projects/${poor}`)).json.total_cost, 0);
  const raisedAt = performance.now();
  await ann("PATCH", `/projects/${poor}`, { budget_allocated: 1 });
  const job = await ended(json.id, "completed");
  assert.ok(performance.now() - raisedAt < 3_000);
  assert.equal(
    (await ann("GET", `/costs/projects/${poor}/budget`)).json.actual_cost_usd,
    job.actual_cost_usd,
  );
});

test("a budget is never passed: what it does not hold any more waits, and is done when it is raised", async () => {
  const tight = (await ann("POST", "/projects", { name: "Tight" })).json.id as number;
  const one = async () => (await ann("POST", "/jobs", { project_id: tight, ...feature })).json;
  const { actual_cost } = await ended((await one()).id, "completed");
  await ann("PATCH", `/projects/${tight}`, {
    budget_allocated: Number(((actual_cost as number) * 12).toFixed(12)),
  });
  for (let index = 0; index < 15; index++) await one();
  const settled = async (wanted: readonly unknown[]) => {
    let statuses: unknown[] = [];
    await until(async () => {
      const { items } = (await ann("GET", `/jobs?project_id=${tight}`)).json as { items: Json[] };
      statuses = items.map(({ status }) => status);
      return statuses.every((status) => wanted.includes(status));
    });
    return new Set(statuses);
  };
  assert.deepEqual(await settled(["completed", "blocked"]), new Set(["completed", "blocked"]));
  assert.ok(((await ann("GET", `/costs/projects/${tight}/budget`)).json.remaining_budget as number) >= 0);
  await ann("PATCH", `/projects/${tight}`, { budget_allocated: 1 });
  await settled(["completed"]);
});

test("a job is done as its maker is then: a revoked key ends it, and says why", async () => {
  const key = await app.key({ userId: "usr_ann", scopes: [...scopes] });
  const mine = await callerBy(app, { userId: "usr_ann" });
  const later = { project_id: project, ...feature };
  const made = await app.fetch("/jobs", { method: "POST", key, json: { ...later, priority: -100 } });
  const { id } = (await made.json()) as { id: number };
  await ended(id, "completed");
  const again = await app.fetch("/jobs", {
    method: "POST",
    key,
    json: { ...later, payload: { task: "x", model: "sim-500" }, max_retries: 1 },
  });
  const { id: second } = (await again.json()) as { id: number };
  await ended(second, "retrying");
  const prefix = ((await mine("GET", "/auth/api-keys?limit=200")).json.items as Json[]).find((one) =>
    key.includes(one.prefix as string),
  )!;
  assert.equal((await mine("DELETE", `/auth/api-keys/${prefix.id}`)).status, 204);
  const job = await ended(second, "dead_letter");
  assert.equal(
    job.last_error,
    "FORBIDDEN: The API key that this was asked for with was revoked or has ended.",
  );
});

test("metrics tell how many jobs are where and what became of attempts", async () => {
  const text = await (await app.fetch("/metrics")).text();
  assert.match(text, /^tollgate_jobs\{state="pending"\} \d+$/m);
  assert.match(text, /^tollgate_jobs_oldest_wait_seconds \d/m);
  assert.match(text, /^tollgate_job_attempts_total\{outcome="completed"\} \d+$/m);
});
