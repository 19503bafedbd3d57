import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { auditOf, type Caller, callerBy, type Json, made, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let bob: Caller;
let admin: Caller;
before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  bob = await newCaller(app, "usr_bob");
  admin = await newCaller(app, "usr_root", "admin");
});
after(() => app.close());

async function spend(scope: string, id: number | string, spentPico: bigint, heldPico = 0n): Promise<void> {
  await app.store.db
    .updateTable("budgets")
    .set({ spent_pico: String(spentPico), reserved_pico: String(heldPico) })
    .where("scope", "=", scope as "project")
    .where("scope_id", "=", String(id))
    .execute();
}

test("a project's budget says what is spent and what is left, which together are what was allocated", async () => {
  const id = await made(ann, "/projects", { budget_allocated: 100 });
  await spend("project", id, 85_500_000_000_001n, 2_000_000_000_000n);
  assert.deepEqual((await ann("GET", `/costs/projects/${id}/budget`)).json, {
    project_id: id,
    has_budget: true,
    period: "none",
    reset_at: null,
    budget_allocated: 100,
    budget_allocated_usd: "100",
    actual_cost: 85.500000000001,
    actual_cost_usd: "85.500000000001",
    reserved: 2,
    reserved_usd: "2",
    remaining_budget: 14.499999999999,
    remaining_budget_usd: "14.499999999999",
    percentage_used: 85.5,
    status: "warning",
  });
});

test("a status changes exactly at 80, 95 and 100 percent", async () => {
  const id = await made(ann, "/projects", { budget_allocated: 1 });
  const bounds = [
    [799_999_999_999n, "ok"],
    [800_000_000_000n, "warning"],
    [949_999_999_999n, "warning"],
    [950_000_000_000n, "critical"],
    [999_999_999_999n, "critical"],
    [1_000_000_000_000n, "exceeded"],
    [1_200_000_000_000n, "exceeded"],
  ] as const;
  for (const [spentPico, status] of bounds) {
    await spend("project", id, spentPico);
    const { json } = await ann("GET", `/costs/projects/${id}/budget`);
    assert.equal(json.status, status, String(spentPico));
  }
});

test("a project without a budget shows what it has cost", async () => {
  const id = await made(ann, "/projects");
  const charged = await app.chat(await app.key({ userId: "usr_ann", projectId: id }));
  await charged.text();
  const { json } = await ann("GET", `/costs/projects/${id}/budget`);
  const { has_budget, budget_allocated, remaining_budget, percentage_used, status, actual_cost_usd } = json;
  assert.deepEqual(
    [has_budget, budget_allocated, remaining_budget, percentage_used, status],
    [false, null, null, 0, "ok"],
  );
  assert.equal(actual_cost_usd, charged.headers.get("x-tollgate-cost-usd"));
  assert.equal((await ann("GET", `/budgets/project/${id}`)).status, 404);
});

test("a budget is set, read, changed and removed, and every step leaves an entry", async () => {
  const key = await made(ann, "/auth/api-keys", { scopes: [] });
  const places = [
    ["project", await made(ann, "/projects"), ann],
    ["team", await made(ann, "/teams"), ann],
    ["user", "usr_ann", admin],
    ["key", key, admin],
  ] as const;
  for (const [scope, id, by] of places) {
    const path = `/budgets/${scope}/${id}`;
    const before = (await auditOf(app)).length;
    const set = await by("PUT", path, { allocated: "10.5", period: "month" });
    assert.equal(set.status, 200, set.text);
    const { allocated, allocated_usd, period, reserved_usd, remaining_budget_usd, status, reset_at } =
      set.json;
    assert.deepEqual(
      [
        set.json.scope,
        set.json.id,
        allocated,
        allocated_usd,
        period,
        reserved_usd,
        remaining_budget_usd,
        status,
      ],
      [scope, String(id), 10.5, "10.5", "month", "0", "10.5", "ok"],
    );
    assert.match(String(reset_at), /-01T00:00:00\.000Z$/);
    assert.deepEqual((await ann("GET", path)).json, set.json);
    assert.deepEqual((await admin("GET", path)).json, set.json);
    await by("PUT", path, { allocated: 20, period: "month" });
    await by("PUT", path, { allocated: 20, period: "month" });
    assert.equal((await by("DELETE", path)).status, 204);
    assert.equal((await by("DELETE", path)).status, 204);
    assert.equal((await ann("GET", path)).status, 404);
    const entries = (await auditOf(app)).slice(before);
    assert.deepEqual(
      entries.map(({ action, target, changes }) => [action, target, (changes as Json).allocated_usd]),
      [
        ["budget.change", `${scope} ${id}`, [null, "10.5"]],
        ["budget.change", `${scope} ${id}`, ["10.5", "20"]],
        ["budget.change", `${scope} ${id}`, ["20", null]],
      ],
    );
  }
});

test("budgets of projects and teams are their managers' to change, and their viewers' to see", async () => {
  await newCaller(app, "usr_viewer");
  await newCaller(app, "usr_manager");
  const [viewer, manager] = [
    await callerBy(app, { userId: "usr_viewer" }),
    await callerBy(app, { userId: "usr_manager" }),
  ];
  for (const [scope, place] of [
    ["project", "/projects"],
    ["team", "/teams"],
  ] as const) {
    const id = await made(ann, place);
    const path = `/budgets/${scope}/${id}`;
    for (const role of ["viewer", "manager"]) {
      await ann("POST", `${place}/${id}/members`, { user_id: `usr_${role}`, role });
    }
    assert.equal((await manager("PUT", path, { allocated: 1 })).status, 200);
    assert.equal((await viewer("GET", path)).status, 200);
    assert.equal((await viewer("PUT", path, { allocated: 2 })).status, 403);
    assert.equal((await viewer("DELETE", path)).status, 403);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const json = method === "PUT" ? { allocated: 2 } : undefined;
      assert.equal((await bob(method, path, json)).status, 404);
    }
    assert.equal((await manager("GET", path)).json.allocated_usd, "1");
  }
});

test("budgets of users and keys are an administrator's to change, and their own to see", async () => {
  const key = await made(ann, "/auth/api-keys", { scopes: [] });
  for (const path of ["/budgets/user/usr_ann", `/budgets/key/${key}`]) {
    await admin("PUT", path, { allocated: 1 });
    assert.equal((await ann("GET", path)).status, 200);
    assert.equal((await bob("GET", path)).status, 404);
    for (const by of [ann, bob]) {
      assert.equal((await by("PUT", path, { allocated: 9 })).status, 403);
      assert.equal((await by("DELETE", path)).status, 403);
    }
    assert.equal((await ann("GET", path)).json.allocated_usd, "1");
    await admin("DELETE", path);
  }
  for (const path of ["user/usr_nobody", "key/999999", "key/x", "project/0", "team/999999"]) {
    assert.equal((await admin("PUT", `/budgets/${path}`, { allocated: 1 })).status, 404, path);
    assert.equal((await admin("GET", `/budgets/${path}`)).status, 404, path);
  }
});

test("a key's budget is that of its successors too", async () => {
  const id = await made(ann, "/auth/api-keys", { scopes: ["inference:write"] });
  await admin("PUT", `/budgets/key/${id}`, { allocated: 0 });
  const { json } = await ann("POST", `/auth/api-keys/${id}/rotate`, {});
  assert.equal((await app.chat(json.key as string)).status, 402);
  const shown = await ann("GET", `/budgets/key/${json.id}`);
  assert.deepEqual([shown.json.id, shown.json.allocated_usd], [String(id), "0"]);
});

test("a call of a project in a team is under the team's budget", async () => {
  const team = await made(ann, "/teams");
  const project = await made(ann, "/projects", { team_id: team });
  await ann("PUT", `/budgets/team/${team}`, { allocated: 0 });
  const key = await app.key({ userId: "usr_ann", projectId: project });
  assert.equal((await app.chat(key)).status, 402);
  await ann("PUT", `/budgets/team/${team}`, { allocated: 10, period: "week" });
  const other = await app.key({ userId: "usr_ann", projectId: project });
  const charged = await app.chat(other);
  await charged.text();
  assert.equal(charged.status, 200);
  const { json } = await ann("GET", `/budgets/team/${team}`);
  assert.equal(json.actual_cost_usd, charged.headers.get("x-tollgate-cost-usd"));
});

test("what is no budget is refused with its field", async () => {
  const id = await made(ann, "/projects");
  for (const [json, path] of [
    [{}, "allocated"],
    [{ allocated: -1 }, "allocated"],
    [{ allocated: "1e3" }, "allocated"],
    [{ allocated: null }, "allocated"],
    [{ allocated: 1, period: "year" }, "period"],
    [{ allocated: 1, spent: 0 }, "spent"],
  ] as const) {
    const answered = await ann("PUT", `/budgets/project/${id}`, json);
    assert.deepEqual([answered.status, (answered.json.details as Json[])[0]?.path], [400, path]);
  }
});
