import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import { systemClock, utcDay } from "../../lib/clock.ts";
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
