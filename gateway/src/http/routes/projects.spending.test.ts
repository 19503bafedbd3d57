import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, idsIn, type Json, made, newCaller } from "./access.testing.ts";

/** What becomes of a project's budget, its calls and its keys when the project is changed. */
let app: TestApp;
let ann: Caller;
let admin: Caller;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  admin = await newCaller(app, "usr_root", "admin");
});
after(() => app.close());

test("a budget is a number or a decimal text, exact, and can be changed, given a period and removed", async () => {
  const id = await made(ann, "/projects");
  const place = `/projects/${id}`;
  const budgetAfter = async (json: Json) => {
    const { status, json: project } = await ann("PATCH", place, json);
    return status === 200 ? [project.budget_allocated_usd, project.budget_period] : status;
  };
  assert.deepEqual(await budgetAfter({ budget_allocated: 0.1 }), ["0.1", "none"]);
  assert.deepEqual(await budgetAfter({ budget_allocated: "123456789012.000000000001" }), [
    "123456789012.000000000001",
    "none",
  ]);
  assert.deepEqual(await budgetAfter({ budget_period: "month" }), ["123456789012.000000000001", "month"]);
  assert.deepEqual(await budgetAfter({ budget_allocated: 5 }), ["5", "month"]);
  assert.deepEqual(await budgetAfter({ budget_allocated: 0, budget_period: "day" }), ["0", "day"]);
  assert.deepEqual(await budgetAfter({ budget_allocated: null }), [null, null]);
  for (const wrong of [
    { budget_period: "week" },
    { budget_allocated: null, budget_period: "week" },
    { budget_allocated: -1 },
    { budget_allocated: "-1" },
    { budget_allocated: "1e3" },
    { budget_allocated: 1e12 },
    { budget_allocated: 1.0000000000005 },
    { budget_allocated: "0.0000000000001" },
    { budget_allocated: 1, budget_period: "year" },
  ]) {
    assert.equal(await budgetAfter(wrong), 400, JSON.stringify(wrong));
  }
  const rows = await app.store.db.selectFrom("budgets").where("scope_id", "=", String(id)).execute();
  assert.deepEqual(rows, []);
});

test("a removed budget binds no call any more, and a set one does", async () => {
  const id = await made(ann, "/projects", { budget_allocated: "0.000000000001" });
  const key = await app.key({ userId: "usr_ann", projectId: id });
  assert.equal((await app.chat(key)).status, 402);
  await ann("PATCH", `/projects/${id}`, { budget_allocated: "100" });
  const charged = await app.chat(key);
  await charged.text();
  assert.equal(charged.status, 200);
  const { json } = await ann("GET", `/projects/${id}`);
  assert.equal(json.actual_cost_usd, charged.headers.get("x-tollgate-cost-usd"));
  await ann("PATCH", `/projects/${id}`, { budget_allocated: null });
  const free = await ann("GET", `/projects/${id}`);
  assert.deepEqual(
    [free.json.budget_allocated, free.json.actual_cost_usd],
    [null, json.actual_cost_usd],
    "what the project has cost is still known",
  );
});

test("an archived project is seen, spends nothing, and can be restored", async () => {
  const id = await made(ann, "/projects");
  const archived = await ann("PATCH", `/projects/${id}`, { archived: true });
  assert.match(String(archived.json.archived_at), /Z$/);
  const again = await ann("PATCH", `/projects/${id}`, { archived: true, name: "Late" });
  assert.deepEqual(again.json, { ...archived.json, name: "Late" });
  assert.ok(idsIn(await ann("GET", "/projects?limit=200")).includes(id));
  const key = await app.key({ userId: "usr_ann" });
  const spend = async (project: number) =>
    (await app.chat(key, {}, { "x-project-id": String(project) })).status;
  assert.equal(await spend(id), 404);
  const other = await made(ann, "/projects");
  await ann("PATCH", `/projects/${other}`, { archived: true });
  const restored = await ann("PATCH", `/projects/${other}`, { archived: false });
  assert.equal(restored.json.archived_at, null);
  assert.equal(await spend(other), 200);
});

test("a deleted project takes its keys with it", async () => {
  const id = await made(ann, "/projects");
  const bound = await app.key({ userId: "usr_ann", projectId: id });
  const unbound = await app.key({ userId: "usr_ann" });
  assert.equal((await app.chat(bound)).status, 200);
  assert.equal((await ann("DELETE", `/projects/${id}`)).status, 204);
  assert.deepEqual([(await app.chat(bound)).status, (await app.chat(unbound)).status], [401, 200]);
  for (const method of ["GET", "DELETE"]) assert.equal((await ann(method, `/projects/${id}`)).status, 404);
  assert.ok(!idsIn(await admin("GET", "/projects?limit=200")).includes(id));
  const entries = (await auditOf(app)).slice(-2);
  assert.deepEqual(
    entries.map(({ action, target, reason }) => [action, target, reason]),
    [
      ["project.delete", `project ${id}`, undefined],
      ["key.revoke", `key ${bound.slice(7, 19)}`, "project deleted"],
    ],
  );
});

test("whoever changes a budget at once with others, there is one budget afterwards", async () => {
  for (let round = 0; round < 5; round++) {
    const id = await made(ann, "/projects", { budget_allocated: 1 });
    const answers = await Promise.all(
      ["day", "week", "month", "none"].map((budget_period) =>
        ann("PATCH", `/projects/${id}`, { budget_allocated: 2, budget_period }),
      ),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    const budgets = app.store.db.selectFrom("budgets").where("scope_id", "=", String(id));
    assert.equal((await budgets.select("id").execute()).length, 1);
  }
});
