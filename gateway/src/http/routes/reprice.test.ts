import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sql } from "kysely";
import { type TestApp, testApp } from "../../app.testing.ts";
import { systemClock, utcDay } from "../../lib/clock.ts";
import { usdText } from "../../lib/money.ts";
import { until } from "../../lib/until.testing.ts";
import { auditOf, type Caller, type Json, newCaller } from "./access.testing.ts";

let app: TestApp;
let boss: Caller;
let ann: Caller;

before(async () => {
  app = await testApp({ KEY_RATE_LIMIT_PER_MINUTE: "", IP_RATE_LIMIT_PER_MINUTE: "" });
  boss = await newCaller(app, "usr_boss", "admin");
  ann = await newCaller(app, "usr_ann");
});
after(() => app.close());

const today = utcDay(systemClock.now());
const period = { from: "2026-01-01", to: today, reason: "the list was wrong" };
const since = { effective_from: "2026-01-01T00:00:00Z" };

async function costOfToday(): Promise<unknown> {
  const { json } = await ann("GET", "/health/costs/daily");
  return (json.totals as Json).estimated_cost_usd;
}

test("a wrong price is set right, and past calls cost what they should have, once", async () => {
  const made = await ann("POST", "/v1/chat/completions", {
    model: "sim-echo",
    messages: [{ role: "user", content: "Hello" }],
  });
  assert.equal(made.status, 200);
  const before = await costOfToday();
  await boss("PUT", "/prices/simulated/sim-echo", { input: "1000", output: "1000", ...since });
  assert.equal(await costOfToday(), before);

  const foretold = await boss("POST", "/prices/reprice", { ...period, dry_run: true });
  assert.deepEqual(
    [foretold.json.calls, foretold.json.adjusted, foretold.json.skipped, foretold.json.dry_run],
    [1, 1, 0, true],
  );
  assert.equal(await costOfToday(), before);

  const done = await boss("POST", "/prices/reprice", period);
  assert.equal(done.text, foretold.text.replace("true", "false"));
  assert.equal(typeof done.json.delta, "number");
  const { usage } = made.json as { usage: { total_tokens: number } };
  assert.equal(await costOfToday(), String(usage.total_tokens / 1000));
  const again = await boss("POST", "/prices/reprice", period);
  assert.deepEqual([again.json.adjusted, again.json.delta_usd], [0, "0"]);

  const entries = (await auditOf(app)).filter(({ action }) => action === "ledger.reprice");
  assert.deepEqual(
    entries.map(({ by, target, reason }) => [by, target, reason]),
    [["usr_boss", `ledger 2026-01-01/${today}`, "the list was wrong"]],
  );
});

test("a job, the report of its project and the ledger say the same, priced again too", async () => {
  const { json: project } = await ann("POST", "/projects", { name: "Jobs" });
  const payload = { task: "Build login page", model: "sim-slow" };
  const { json: made } = await ann("POST", "/jobs", {
    project_id: project.id,
    type: "implement_feature",
    payload,
  });
  const job = async () => (await ann("GET", `/jobs/${made.id}`)).json;
  await until(async () => (await job()).status === "completed");
  const before = (await job()).actual_cost_usd;
  await boss("PUT", "/prices/simulated/sim-slow", { input: "1000", output: "1000", ...since });
  assert.equal((await boss("POST", "/prices/reprice", period)).json.adjusted, 1);

  const { actual_cost_usd: cost, tokens_used_total: tokens } = await job();
  assert.notEqual(cost, before);
  assert.equal(cost, String((tokens as number) / 1000));
  const costs = (await ann("GET", `/costs/jobs/${made.id}`)).json as Json & { attempts: Json[] };
  const report = (await ann("GET", `/costs/projects/${project.id}`)).json;
  const [listed] = (await ann("GET", `/jobs?project_id=${project.id}`)).json.items as Json[];
  const { rows } = await sql<{ pico: string }>`
    select sum(adjusted_pico) as pico from ledger_view where project_id = ${project.id}::bigint`.execute(
    app.store.db,
  );
  assert.deepEqual(
    [
      ...[costs.actual_cost_usd, costs.attempts[0]!.cost_usd, listed!.actual_cost_usd, report.total_cost_usd],
      ...[report.average_cost_per_job_usd, usdText(BigInt(rows[0]!.pico))],
    ],
    Array(6).fill(cost),
  );
});

test("what is no period, no reason and no model is refused, by the field", async () => {
  for (const [fields, path] of [
    [{ from: "2026-13-01" }, "from"],
    [{ to: "2025-12-31" }, "to"],
    [{ to: "2028-01-01" }, "to"],
    [{ reason: " " }, "reason"],
    [{ project_id: 0 }, "project_id"],
    [{ dry_run: "yes" }, "dry_run"],
    [{ day: today }, "day"],
  ] as const) {
    const { status, json } = await boss("POST", "/prices/reprice", { ...period, ...fields });
    assert.deepEqual([status, (json.details as Json[])[0]?.path], [400, path], JSON.stringify(fields));
  }
  assert.equal((await ann("POST", "/prices/reprice", period)).status, 403);
});
