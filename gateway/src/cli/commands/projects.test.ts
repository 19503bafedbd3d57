import assert from "node:assert/strict";
import { after, test } from "node:test";
import { teamOf } from "../../access/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import { testStore } from "../../store/testing.ts";
import { UsageError } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);
await userNamed(db, "usr_dev");
await userNamed(db, "usr_ann");
const team = await teamOf(db, "usr_ann");

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;

test("a project is made in a team with a budget of a period, and changed field by field", async () => {
  const made = await run("projects create", {
    name: "Apollo",
    owner: "usr_ann",
    team: String(team),
    budget: "10",
    period: "month",
  });
  assert.deepEqual(
    [made.owner_id, made.team_id, made.budget_allocated_usd, made.budget_period],
    ["usr_ann", team, "10", "month"],
  );
  const id = String(made.id);
  const described = await run("projects update", { id, name: "Artemis", description: "to the moon" });
  assert.deepEqual(described, { ...made, name: "Artemis", description: "to the moon" });
  const cleared = await run("projects update", { id, description: "none", team: "none", budget: "none" });
  assert.deepEqual(
    [cleared.name, cleared.description, cleared.team_id, cleared.budget_allocated_usd],
    ["Artemis", null, null, null],
  );
  assert.deepEqual(await run("projects show", { id }), cleared);
  assert.match(shownBy("projects show", cleared).text, /^id: \d+\nname: Artemis\ndescription: -\n/);
});

test("a project is archived, restored and deleted, with the keys that are bound to it", async () => {
  const { id } = await run("projects create", { name: "Gemini" });
  const { prefix } = await run("keys issue", { name: "bound", project: id });
  const archived = await run("projects archive", { id });
  assert.notEqual(archived.archived_at, null);
  assert.match(shownBy("projects archive", archived).text, /^Project \d+ \(Gemini\) is archived\.$/);
  assert.equal((await run("projects restore", { id })).archived_at, null);
  assert.deepEqual(await run("projects delete", { id }), { id, deleted: true });
  await assert.rejects(run("projects show", { id }), UsageError);
  assert.equal((await run("keys show", { prefix })).status, "revoked");
});

test("a team is renamed and deleted, and its projects stay", async () => {
  const { id } = await run("teams create", { name: "Blue", owner: "usr_ann" });
  const project = await run("projects create", { name: "Stays", team: id });
  assert.equal((await run("teams update", { id, name: "Green" })).name, "Green");
  assert.equal((await run("teams show", { id })).name, "Green");
  assert.deepEqual(await run("teams delete", { id }), { id, deleted: true });
  assert.equal((await run("projects show", { id: project.id })).team_id, null);
  await assert.rejects(run("teams show", { id }), UsageError);
});

test("what is no project, no team and no change is refused", async () => {
  const { id } = await run("projects create", { name: "Here" });
  for (const [name, input] of [
    ["projects update", { id }],
    ["projects update", { id, team: 99_999 }],
    ["projects update", { id, budget: "none", period: "day" }],
    ["projects update", { id, budget: "much" }],
    ["projects update", { id: 99_999, name: "x" }],
    ["projects create", { name: "x", team: 99_999 }],
    ["projects create", { name: "x", period: "day" }],
    ["projects create", { name: "x", owner: "usr_nobody" }],
    ["projects show", { id: "x" }],
    ["projects archive", { id: 99_999 }],
    ["projects delete", { id: 99_999 }],
    ["teams update", { id: 99_999, name: "x" }],
    ["teams update", { id: team }],
    ["teams delete", { id: 99_999 }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, `${name} ${JSON.stringify(input)}`);
  }
});
