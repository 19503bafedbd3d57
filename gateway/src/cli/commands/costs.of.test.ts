import assert from "node:assert/strict";
import { after, test } from "node:test";
import { settlements } from "../../costs/settle.ts";
import { callOf, noTrouble, settlementOf, usageOf } from "../../costs/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import { enqueued, projectFor } from "../../jobs/testing.ts";
import { systemClock } from "../../lib/clock.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
const project = await projectFor(db);
await userNamed(db, "usr_spends");
await db
  .insertInto("daily_costs")
  .values({
    ...{ day: "2025-12-31", user_id: "usr_spends", project_id: project, operation: "chat" },
    ...{ provider: "openai", model: "gpt-5.1", calls: 3 },
    ...{ input_tokens: 1_000_000, cached_input_tokens: 0, output_tokens: 500_000 },
    ...{ cost_pico: "45670000000000", estimated_cost_pico: "0" },
  })
  .execute();

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;

test("a user's costs of a day are shown by operation and model", async () => {
  const day = await run("costs daily", { user: "usr_spends", day: "2025-12-31" });
  const { calls, estimated_cost_usd } = day.totals as Json;
  assert.deepEqual(
    [day.user_id, day.day, calls, estimated_cost_usd],
    ["usr_spends", "2025-12-31", 3, "45.67"],
  );
  const { text } = shownBy("costs daily", day);
  assert.match(text, /^3 calls of usr_spends cost 45\.67 USD on 2025-12-31 \(UTC\)\.\n\n/);
  assert.match(text, /\nchat +openai\/gpt-5\.1 +3 +1000000 +500000 +45\.67$/);
  const today = await run("costs daily", { user: "usr_spends" });
  assert.deepEqual([today.day, today.breakdown], ["2026-01-01", []]);
});

test("what a job has cost is shown, also as CSV", async () => {
  const id = await enqueued(db, project);
  const costs = await run("costs job", { id: String(id) });
  assert.deepEqual([costs.job_id, costs.status, costs.attempts], [id, "pending", []]);
  assert.match(shownBy("costs job", costs).text, new RegExp(`^Job ${id} is pending and has cost 0 USD, of `));
  const csv = await run("costs job", { id: String(id), csv: true });
  assert.match(shownBy("costs job", csv).text, /^attempt,call_id,/);
});

test("how a user's calls would have cost less is suggested", async () => {
  const { settle } = settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });
  for (let call = 0; call < 20; call++) {
    const made = callOf({ userId: "usr_spends", provider: "anthropic", model: "claude-sonnet-4" });
    const usage = usageOf({ input: 1_000, output: 100 });
    await settle(settlementOf({ ...made, reservedPico: 0n }, { usage, costPico: 4_500_000_000n }));
  }
  const found = await run("costs suggestions", { user: "usr_spends" });
  assert.match(
    shownBy("costs suggestions", found).text,
    /^KIND +OPERATION .*\ncheaper_model +chat +anthropic\/claude-sonnet-4 +anthropic\/claude-haiku-4\.5 +20 +0\.09 +0\.0825$/,
  );
  assert.deepEqual((await run("costs suggestions", { user: "usr_ann" })).items, []);
});

test("nobody, no job and no day are faults of the input", async () => {
  for (const [name, input] of [
    ["costs daily", { user: "usr_nobody" }],
    ["costs daily", { user: "usr_ann", day: "yesterday" }],
    ["costs job", { id: "99999" }],
    ["costs job", { id: "x" }],
    ["costs suggestions", { user: "usr_nobody" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});
