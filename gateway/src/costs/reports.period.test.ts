import assert from "node:assert/strict";
import { test } from "node:test";
import { memberOf, projectOf, teamOf } from "../access/testing.ts";
import { userNamed } from "../identity/testing.ts";
import { picoFromUsd, usdText } from "../lib/money.ts";
import { averagePerJob } from "./reports.jobs.ts";
import { type CostReport, costReport, lastDays, type Whose } from "./reports.period.ts";
import { estimatedShare } from "./reports.sums.ts";
import { storeForTests } from "./testing.ts";

const { db } = await storeForTests();
await userNamed(db, "usr_ann");
const team = await teamOf(db, "usr_ann");
const apollo = await projectOf(db, "usr_ann", { name: "Apollo", team_id: team });
const gemini = await projectOf(db, "usr_ann", { name: "Gemini", team_id: team });
const other = await projectOf(db, "usr_ann", { name: "Other" });
await userNamed(db, "usr_bob");
await memberOf(db, { kind: "team", id: team }, "usr_bob", "viewer");

/** A roll-up of one call. */
async function spent(
  day: string,
  costUsd: string,
  fields: {
    project_id?: number | null;
    user_id?: string;
    model?: string;
    calls?: number;
    estimated?: string;
  } = {},
): Promise<void> {
  const { estimated = "0", ...more } = fields;
  const tokens = { input_tokens: 100, cached_input_tokens: 40, output_tokens: 10 };
  await db
    .insertInto("daily_costs")
    .values({
      ...{ day, user_id: "usr_ann", project_id: apollo, operation: "chat", provider: "openai", model: "m" },
      ...{ calls: 1, ...tokens, ...more },
      cost_pico: picoFromUsd(costUsd).toString(),
      estimated_cost_pico: picoFromUsd(estimated).toString(),
    })
    .execute();
}

const days = lastDays(Date.UTC(2026, 2, 2, 12), 4);
const report = (whose: Whose): Promise<CostReport> => costReport(db, whose, days);
const costs = (lines: readonly { readonly sums: { readonly costPico: bigint } }[]) =>
  lines.map(({ sums }) => usdText(sums.costPico));

test("the days of a period follow each other over the end of a month, and over a leap day", () => {
  assert.deepEqual(days, ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
  assert.deepEqual(lastDays(Date.UTC(2028, 2, 1), 3), ["2028-02-28", "2028-02-29", "2028-03-01"]);
  assert.deepEqual(lastDays(Date.UTC(2027, 0, 1, 23, 59, 59, 999), 2), ["2026-12-31", "2027-01-01"]);
  assert.deepEqual(lastDays(0, 1), ["1970-01-01"]);
  const year = lastDays(Date.UTC(2028, 11, 31), 366);
  assert.deepEqual([year.length, year[0], new Set(year).size], [366, "2028-01-01", 366]);
});

test("a project's report adds up its own calls of the period, and no others", async () => {
  await spent("2026-02-27", "0.5");
  await spent("2026-03-01", "0.25", { user_id: "usr_bob", model: "n", estimated: "0.25" });
  await spent("2026-03-01", "0.25", { model: "n" });
  await spent("2026-02-26", "8");
  await spent("2026-03-03", "8");
  await spent("2026-03-01", "8", { project_id: gemini });
  await spent("2026-03-01", "8", { project_id: null });
  const { total, trend, byModel, byUser, byOperation } = await report({ kind: "project", id: apollo });
  assert.deepEqual(total, {
    calls: 3,
    input: 300,
    cached: 120,
    output: 30,
    costPico: picoFromUsd("1"),
    estimatedPico: picoFromUsd("0.25"),
    unpricedPico: 0n,
  });
  assert.equal(estimatedShare(total), 0.25);
  assert.deepEqual(
    trend.map(({ day, sums }) => [day, sums.calls, usdText(sums.costPico)]),
    [
      ["2026-02-27", 1, "0.5"],
      ["2026-02-28", 0, "0"],
      ["2026-03-01", 2, "0.5"],
      ["2026-03-02", 0, "0"],
    ],
  );
  assert.deepEqual(
    byModel.map(({ provider, model, sums }) => [provider, model, sums.calls]),
    [
      ["openai", "m", 1],
      ["openai", "n", 2],
    ],
  );
  assert.deepEqual(
    [byUser.map(({ userId }) => userId), costs(byUser)],
    [
      ["usr_ann", "usr_bob"],
      ["0.75", "0.25"],
    ],
  );
  assert.deepEqual([byOperation.map(({ operation }) => operation), costs(byOperation)], [["chat"], ["1"]]);
});

test("a team's report adds up the projects that are in it now", async () => {
  await spent("2026-03-01", "1");
  await spent("2026-03-01", "2", { project_id: gemini });
  await spent("2026-03-01", "4", { project_id: other });
  const { total, byProject } = await report({ kind: "team", id: team });
  assert.equal(usdText(total.costPico), "3");
  assert.deepEqual(
    byProject.map(({ id, name }) => [id, name]),
    [
      [gemini, "Gemini"],
      [apollo, "Apollo"],
    ],
  );
});

test("the platform's report counts every call, with the dearest projects and teams", async () => {
  await spent("2026-03-01", "1");
  await spent("2026-03-01", "2", { project_id: gemini });
  await spent("2026-03-01", "4", { project_id: other });
  await spent("2026-03-01", "8", { project_id: null });
  const { total, byProject, byTeam, byProvider } = await report({ kind: "everybody" });
  assert.equal(usdText(total.costPico), "15");
  assert.deepEqual(
    byProject.map(({ name, sums }) => [name, usdText(sums.costPico)]),
    [
      ["Other", "4"],
      ["Gemini", "2"],
      ["Apollo", "1"],
    ],
  );
  assert.deepEqual(
    byTeam.map(({ id, sums }) => [id, usdText(sums.costPico)]),
    [[team, "3"]],
  );
  assert.deepEqual(costs(byProvider), ["15"]);
});

test("what was taken out of the ledger again is in no report, and nothing is a report of zeros", async () => {
  await spent("2026-03-01", "0", { calls: 0 });
  const { total, trend, byModel } = await report({ kind: "project", id: apollo });
  assert.deepEqual([total.calls, total.costPico, estimatedShare(total), trend.length], [0, 0n, 0, 4]);
  assert.deepEqual(byModel, []);
});

test("the average of a job divides by all jobs, to the pico-dollar, and is 0 without any", () => {
  const cost = picoFromUsd("45.67");
  const average = averagePerJob(cost, { total: 123 });
  assert.equal(usdText(average), "0.371300813008");
  assert.equal(Number(usdText(average)).toFixed(2), "0.37");
  assert.equal(averagePerJob(cost, { total: 0 }), 0n);
});
