import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { type Person, type TestApp, testApp } from "../app.testing.ts";
import type { ThoughtJson } from "./thoughts.thought.ts";

let app: TestApp;
let ann: Person;
before(async () => {
  app = await testApp();
});
beforeEach(async () => {
  ann = await app.person();
});
after(() => app.close());

type Reply<T> = { readonly status: number; readonly body: T; readonly headers: Headers };
type Captured = { readonly thought: ThoughtJson; readonly hint?: { readonly code: string } };
type Asked = { readonly json?: unknown; readonly key?: string; readonly headers?: Record<string, string> };

async function ask<T>(
  line: string,
  { key = ann.token, ...asked }: Asked = {},
  where = app,
): Promise<Reply<T>> {
  const [method = "", path = ""] = line.split(" ");
  const { status, headers, ...response } = await read(await where.fetch(path, { method, key, ...asked }));
  return { status, headers, body: (response.text === "" ? undefined : JSON.parse(response.text)) as T };
}

async function read(response: Response) {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const capture = (text: string, asked: Asked = {}, where = app) =>
  ask<Captured>("POST /v1/capture/thought", { json: { text }, ...asked }, where);

test("a thought is kept with what the model drew from it, and shown to nobody else", async () => {
  const { status, body } = await capture("Call Anna on Friday", {
    json: { text: "Call Anna on Friday", source: "phone" },
  });
  assert.equal(status, 201);
  const { id, created_at, updated_at, actions, ...thought } = body.thought;
  assert.deepEqual(thought, {
    ...{ text: "Call Anna on Friday", source: "phone", title: "Call Anna on Friday" },
    ...{ tags: [], people: [], dates: [], enriched: true },
  });
  assert.deepEqual(actions, [{ id: actions[0]!.id, text: "Call Anna on Friday", done: false, due: null }]);
  assert.match(created_at, /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
  assert.ok(updated_at >= created_at);

  assert.deepEqual((await ask(`GET /v1/thoughts/${id}`)).body, { thought: body.thought });
  assert.deepEqual((await ask("GET /v1/thoughts")).body, { items: [body.thought], next_cursor: null });
  const { token: key } = await app.person("admin");
  assert.deepEqual((await ask("GET /v1/thoughts", { key })).body, { items: [], next_cursor: null });
  for (const method of ["GET", "PATCH", "DELETE"]) {
    const json = method === "PATCH" ? { title: "Mine" } : undefined;
    assert.equal((await ask(`${method} /v1/thoughts/${id}`, { key, json })).status, 404, method);
  }
  assert.equal((await ask(`POST /v1/thoughts/${id}/enrich`, { key })).status, 404);
});

test("each class of the app has its own window, and the 21st thought in a minute is refused", async () => {
  const statuses: number[] = [];
  for (let count = 0; count < 20; count++) statuses.push((await capture(`Thought ${count}`)).status);
  assert.deepEqual(new Set(statuses), new Set([201]));
  const { status, body } = await ask<{ error: { code: string; limit: string; resetAt: string } }>(
    "POST /v1/capture/thought",
    { json: { text: "One more" } },
  );
  assert.equal(status, 429);
  assert.deepEqual([body.error.code, body.error.limit], ["RATE_LIMITED", "capture-window"]);
  assert.equal((await ask("POST /v1/query/ask", { json: { question: "thought?" } })).status, 200);
  assert.equal((await ask("POST /v1/plan/refresh", { json: {} })).status, 200);
  const { items } = (await ask<{ items: ThoughtJson[] }>("GET /v1/thoughts?limit=200")).body;
  assert.equal(items.length, 20);
});

test("what the app asks models for is on the caller's ledger by its operation", async () => {
  await capture("Call Anna on Friday");
  await ask("POST /v1/query/ask", { json: { question: "When do I call Anna?" } });
  await ask("POST /v1/plan/refresh", { json: {} });
  const { breakdown } = (
    await ask<{ breakdown: { operation: string; calls: number }[] }>("GET /health/costs/daily")
  ).body;
  assert.deepEqual(breakdown.map(({ operation, calls }) => `${operation} ${calls}`).toSorted(), [
    "capture.thought 1",
    "plan.refresh 1",
    "query.ask 1",
  ]);
});

test("a question that no thought fits costs nothing", async () => {
  await capture("Call Anna on Friday");
  const { status, body } = await ask<{ answer: string }>("POST /v1/query/ask", {
    json: { question: "Zebras?" },
  });
  assert.equal(status, 200);
  assert.deepEqual(body, { answer: "None of your thoughts says anything about this.", citations: [] });
  const rows = await app.store.db
    .selectFrom("prompt_runs")
    .select("operation")
    .where("user_id", "=", ann.id)
    .execute();
  assert.deepEqual(rows, [{ operation: "capture.thought" }]);
});

test("a plan is made of what is open, and each refresh is a new version", async () => {
  assert.deepEqual((await ask("GET /v1/plan")).body, { plan: null });
  const { thought } = (await capture("Call Anna")).body;
  const [action] = thought.actions;
  type Planned = { plan: { version: number; items: { action_id: number; text: string }[] } };
  const { plan } = (await ask<Planned>("POST /v1/plan/refresh", { json: {} })).body;
  assert.equal(plan.version, 1);
  assert.deepEqual(
    plan.items.map(({ action_id, text }) => [action_id, text]),
    [[action!.id, "Call Anna"]],
  );
  assert.deepEqual((await ask("GET /v1/plan")).body, { plan });
  await ask(`PATCH /v1/thoughts/${thought.id}`, { json: { actions: [{ id: action!.id, done: true }] } });
  const next = (await ask<Planned>("POST /v1/plan/refresh")).body.plan;
  assert.deepEqual([next.version, next.items], [2, []]);
});

test("a model that talks nonsense, fails or may not be paid leaves the thought as it was written", async () => {
  const { id } = ann;
  const { token: key } = await app.person("admin");
  assert.equal((await ask(`PUT /budgets/user/${id}`, { key, json: { allocated: 0 } })).status, 200);
  const broke = await capture("Kept without money");
  assert.deepEqual(
    [broke.status, broke.body.hint?.code, broke.body.thought.enriched],
    [201, "BUDGET_EXCEEDED", false],
  );
  await ask(`DELETE /budgets/user/${id}`, { key });
  const again = await ask<Captured>(`POST /v1/thoughts/${broke.body.thought.id}/enrich`);
  assert.deepEqual([again.status, again.body.thought.title], [200, "Kept without money"]);

  for (const [model, code] of [
    ["sim-words-9", "PROVIDER_FAILED"],
    ["sim-empty", "PROVIDER_FAILED"],
    ["sim-quota", "PROVIDER_RATE_LIMITED"],
  ] as const) {
    await using other = await testApp({ APP_MODEL: model });
    const bob = await other.person();
    const { status, body } = await capture("Kept", { key: bob.token }, other);
    assert.deepEqual([status, body.hint?.code, body.thought.enriched], [201, code, false], model);
    const { items } = (await ask<{ items: unknown[] }>("GET /v1/thoughts", { key: bob.token }, other)).body;
    assert.deepEqual(items, [body.thought]);
  }
});

test("a project that the caller may not use is refused before a thought is kept, a plan made or a question answered", async () => {
  const { token: other } = await app.person();
  const made = await ask<{ id: number }>("POST /projects", { key: other, json: { name: "Theirs" } });
  await ask(`POST /projects/${made.body.id}/members`, {
    key: other,
    json: { user_id: ann.id, role: "viewer" },
  });
  const lines = [
    ["POST /v1/capture/thought", { text: "Call Anna" }],
    ["POST /v1/query/ask", { question: "Zebras?" }],
    ["POST /v1/plan/refresh", {}],
  ] as const;
  const projects = { "4711": 404, x: 400, [made.body.id]: 403 };
  for (const [project, refused] of Object.entries(projects)) {
    for (const [line, json] of lines) {
      const { status } = await ask(line, { json, headers: { "x-project-id": project } });
      assert.equal(status, refused, `${line} for ${project}`);
    }
  }
  assert.deepEqual((await ask<{ items: unknown[] }>("GET /v1/thoughts")).body.items, []);
  assert.deepEqual((await ask("GET /v1/plan")).body, { plan: null });
});

test("what the simulated provider has answered says so, and what asked nobody does not", async () => {
  const kept = await capture("Call Anna on Friday");
  const answered = await ask("POST /v1/query/ask", { json: { question: "When do I call Anna?" } });
  const unknown = await ask("POST /v1/query/ask", { json: { question: "Zebras?" } });
  assert.deepEqual(
    [kept, answered, unknown].map(({ headers }) => headers.get("x-tollgate-simulated")),
    ["true", "true", null],
  );
});

test("its owner changes and deletes a thought; a new text has been read by nobody", async () => {
  const { thought } = (await capture("Call Anna")).body;
  const line = `/v1/thoughts/${thought.id}`;
  const json = {
    ...{ title: "Anna", tags: ["Phone"], dates: ["2026-11-27"] },
    actions: [
      { id: thought.actions[0]!.id, due: "2026-11-27" },
      { text: "Buy flowers", done: true },
    ],
  };
  const changed = (await ask<Captured>(`PATCH ${line}`, { json })).body.thought;
  assert.deepEqual([changed.title, changed.tags, changed.enriched], ["Anna", ["phone"], true]);
  assert.deepEqual(
    changed.actions.map(({ text, done, due }) => [text, done, due]),
    [
      ["Call Anna", false, "2026-11-27"],
      ["Buy flowers", true, null],
    ],
  );
  const other = (await ask<Captured>(`PATCH ${line}`, { json: { text: "Call Bob" } })).body.thought;
  assert.deepEqual([other.text, other.title, other.enriched], ["Call Bob", "Anna", false]);
  const unknown = await ask<{ error: { details: unknown } }>(`PATCH ${line}`, {
    json: { title: "Never", actions: [{ id: 4711, done: true }] },
  });
  assert.equal(unknown.status, 400);
  assert.deepEqual(unknown.body.error.details, [
    { path: "actions[0].id", message: "is not an action of this thought" },
  ]);
  assert.equal((await ask<Captured>(`GET ${line}`)).body.thought.title, "Anna");
  assert.equal((await ask(`DELETE ${line}`)).status, 204);
  for (const method of ["GET", "DELETE"]) assert.equal((await ask(`${method} ${line}`)).status, 404);
});

test("a list goes on where it ended, and the export has every thought of its owner", async () => {
  for (const text of ["One", "Two", "Three"]) await capture(text);
  type List = { items: ThoughtJson[]; next_cursor: string | null };
  const first = (await ask<List>("GET /v1/thoughts?limit=2")).body;
  const second = (await ask<List>(`GET /v1/thoughts?limit=2&cursor=${first.next_cursor}`)).body;
  const items = [...first.items, ...second.items];
  assert.deepEqual(
    items.map(({ text }) => text),
    ["Three", "Two", "One"],
  );
  assert.equal(second.next_cursor, null);
  assert.equal((await ask("GET /v1/thoughts?cursor=x")).status, 400);
  const response = await app.fetch("/v1/thoughts/export", { key: ann.token });
  assert.match(response.headers.get("content-type")!, /^application\/x-ndjson/);
  const lines = (await response.text()).trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    items.toReversed(),
  );
});

test("erasing a person erases their thoughts and plans", async () => {
  await capture("Call Anna");
  await ask("POST /v1/plan/refresh", { json: {} });
  const { token: key } = await app.person("admin");
  assert.equal((await ask(`DELETE /admin/users/${ann.id}`, { key })).status, 204);
  for (const table of ["thoughts", "thought_plans"] as const) {
    const rows = app.store.db.selectFrom(table).select("user_id").where("user_id", "=", ann.id);
    assert.deepEqual(await rows.execute(), [], table);
  }
});

test("bad fields are refused by their path, and no thought is written to the log", async () => {
  const secret = "a thought that nobody may read in a log";
  await capture(secret);
  for (const [json, path] of [
    [{}, "text"],
    [{ text: " " }, "text"],
    [{ text: "x".repeat(10_001) }, "text"],
    [{ text: `${secret}\0` }, "text"],
    [{ text: "x", colour: "red" }, "colour"],
  ] as const) {
    const { status, body } = await ask<{ error: { details: { path: string }[] } }>(
      "POST /v1/capture/thought",
      { json },
    );
    assert.equal(status, 400);
    assert.equal(body.error.details[0]!.path, path);
  }
  assert.ok(!JSON.stringify(app.logs()).includes(secret));
});
