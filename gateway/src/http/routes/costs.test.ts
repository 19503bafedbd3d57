import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { type Caller, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let ann: Caller;
let bob: Caller;
let admin: Caller;
let team: number;
let project: number;
/** What Ann's two calls in the project have cost together, USD. */
let spent: string;

before(async () => {
  app = await testApp({ ABUSE_MODE: "off" });
  ann = await newCaller(app, "usr_ann");
  bob = await newCaller(app, "usr_bob");
  admin = await newCaller(app, "usr_root", "admin");
  team = (await ann("POST", "/teams", { name: "Team" })).json.id as number;
  project = (await ann("POST", "/projects", { name: "=Apollo", team_id: team })).json.id as number;
  const key = await app.key({ userId: "usr_ann", projectId: project });
  const costs: number[] = [];
  for (const operation of ["chat", "xxxx"]) {
    const response = await app.chat(key, {}, { "x-operation": operation });
    await response.text();
    costs.push(Number(response.headers.get("x-tollgate-cost-usd")) * 1e12);
  }
  spent = String(Number(((costs[0]! + costs[1]!) / 1e12).toFixed(12)));
  await (await app.chat(await app.key({ userId: "usr_bob" }))).text();
});
after(() => app.close());

test("a project's costs are those of its calls, day by day, with zeros where there were none", async () => {
  const { status, json } = await ann("GET", `/costs/projects/${project}?period_days=3`);
  assert.equal(status, 200);
  const { trend, by_model, by_operation, by_user, tokens, ...rest } = json as Json & { trend: Json[] };
  assert.deepEqual(rest, {
    project_id: project,
    total_cost: Number(spent),
    total_cost_usd: spent,
    total_calls: 2,
    total_jobs: 0,
    completed_jobs: 0,
    failed_jobs: 0,
    average_cost_per_job: 0,
    average_cost_per_job_usd: "0",
    period_days: 3,
    estimated_share: 0,
    unpriced_share: 1,
  });
  assert.deepEqual(
    trend.map(({ calls, cost_usd, jobs }) => [calls, cost_usd, jobs]),
    [
      [0, "0", 0],
      [0, "0", 0],
      [2, spent, 0],
    ],
  );
  const [model] = by_model as Json[];
  assert.deepEqual([model?.provider, model?.model, model?.cost_usd], ["simulated", "sim-echo", spent]);
  assert.deepEqual(
    (by_operation as Json[]).map(({ operation }) => operation),
    ["chat", "xxxx"],
  );
  assert.deepEqual(
    (by_user as Json[]).map(({ user_id, calls }) => [user_id, calls]),
    [["usr_ann", 2]],
  );
  const { input_tokens, output_tokens, total_tokens } = tokens as Record<string, number>;
  assert.ok(input_tokens! > 0);
  assert.equal(total_tokens, input_tokens! + output_tokens!);
});

test("thirty days are shown unless told otherwise, and at most 366", async () => {
  const days = async (query: string) => {
    const { status, json } = await ann("GET", `/costs/projects/${project}${query}`);
    return status === 200 ? (json.trend as Json[]).length : status;
  };
  assert.equal(await days(""), 30);
  assert.equal(await days("?period_days=1"), 1);
  assert.equal(await days("?period_days=366"), 366);
  for (const wrong of ["0", "367", "-1", "1.5", "x", ""]) {
    assert.equal(await days(`?period_days=${wrong}`), 400, wrong);
  }
  assert.equal(await days("?format=xml"), 400);
  assert.equal(await days("?surplus=1"), 400);
});

test("a team's costs are those of its projects", async () => {
  const { json } = await ann("GET", `/costs/teams/${team}`);
  assert.deepEqual([json.team_id, json.total_cost_usd, json.period_days], [team, spent, 30]);
  const [only] = json.by_project as Json[];
  assert.deepEqual([only?.project_id, only?.name, only?.cost_usd], [project, "=Apollo", spent]);
});

test("the platform's costs are all costs, and for administrators only", async () => {
  const { json } = await admin("GET", "/costs/report?period_days=2");
  assert.deepEqual([json.total_calls, json.period_days, (json.trend as Json[]).length], [3, 2, 2]);
  assert.deepEqual(
    [json.top_projects, json.top_teams].map((top) => (top as Json[]).map(({ cost_usd }) => cost_usd)),
    [[spent], [spent]],
  );
  assert.deepEqual(
    (json.by_provider as Json[]).map(({ provider, calls }) => [provider, calls]),
    [["simulated", 3]],
  );
  assert.equal((await ann("GET", "/costs/report")).status, 403);
});

test("the costs of what one may not see are not there, whether it exists or not", async () => {
  const answers = [];
  for (const path of [
    `projects/${project}`,
    "projects/999999",
    "projects/x",
    `teams/${team}`,
    "teams/999999",
  ]) {
    const { status, text } = await bob("GET", `/costs/${path}`);
    assert.equal(status, 404);
    answers.push(text);
  }
  assert.equal(new Set(answers).size, 1);
  const bound = await app.key({ userId: "usr_ann", projectId: project });
  assert.equal((await app.fetch(`/costs/teams/${team}`, { key: bound })).status, 404);
  assert.equal((await app.fetch(`/costs/projects/${project}`, { key: bound })).status, 200);
});

test("a report as CSV says what its JSON does, and no cell of it is a formula", async () => {
  const key = await app.key({ userId: "usr_ann" });
  const response = await app.fetch(`/costs/teams/${team}?format=csv&period_days=2`, { key });
  assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8");
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="costs.csv"');
  const lines = (await response.text()).split("\r\n");
  assert.equal(
    lines[0],
    "section,id,name,calls,input_tokens,cached_input_tokens,output_tokens,cost_usd,estimated_cost_usd,unpriced_cost_usd",
  );
  assert.match(lines[1]!, new RegExp(`^total,,,2,\\d+,0,\\d+,${spent},0,${spent}$`));
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(",")[0]),
    ["total", "day", "day", "model", "operation", "operation", "user", "project", ""],
  );
  assert.ok(lines.at(-2)!.startsWith(`project,${project},'=Apollo,2,`));
});
