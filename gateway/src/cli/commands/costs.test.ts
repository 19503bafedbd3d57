import assert from "node:assert/strict";
import { after, test } from "node:test";
import { projectOf, teamOf } from "../../access/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_ann");
const team = await teamOf(db, "usr_ann");
const project = await projectOf(db, "usr_ann", { name: "Apollo", team_id: team });
await db
  .insertInto("daily_costs")
  .values({
    ...{ day: "2025-12-31", user_id: "usr_ann", project_id: project, operation: "chat" },
    ...{
      provider: "openai",
      model: "gpt-5.1",
      calls: 3,
      input_tokens: 10,
      cached_input_tokens: 0,
      output_tokens: 5,
    },
    ...{ cost_pico: "45670000000000", estimated_cost_pico: "0" },
  })
  .execute();

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;
const shown = (name: string, result: object) => shownBy(name, result);

test("costs are reported for everybody, a project or a team, over as many days as wanted", async () => {
  const all = await run("costs report", {});
  assert.deepEqual([all.total_cost_usd, all.total_calls, all.period_days], ["45.67", 3, 30]);
  const { text } = shown("costs report", all);
  assert.match(text, /^3 calls of the last 30 days cost 45\.67 USD\./);
  assert.match(text, /openai\/gpt-5\.1 +3 +45\.67/);
  assert.match(text, /2025-12-31 +3 +45\.67/);
  assert.equal((await run("costs report", { project: String(project) })).project_id, project);
  assert.equal((await run("costs report", { team: String(team) })).total_cost, 45.67);
  assert.equal((await run("costs report", { days: "1" })).total_cost, 0);
});

test("costs are printed as CSV", async () => {
  const result = await run("costs report", { team: String(team), csv: true, days: "2" });
  assert.match(
    shown("costs report", result).text,
    /^section,id,[\s\S]*\r\nproject,\d+,Apollo,3,10,0,5,45\.67,0,0$/,
  );
});

test("a report of what is not there, or of too many days, is refused", async () => {
  for (const input of [
    { project: "999999" },
    { team: "999999" },
    { project: String(project), team: String(team) },
    { days: "0" },
    { days: "367" },
    { days: "many" },
    { project: "x" },
  ]) {
    await assert.rejects(run("costs report", input), UsageError, JSON.stringify(input));
  }
});
