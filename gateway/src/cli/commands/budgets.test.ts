import assert from "node:assert/strict";
import { after, test } from "node:test";
import { projectOf, teamOf } from "../../access/testing.ts";
import { issued, userNamed } from "../../identity/testing.ts";
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
const project = await projectOf(db, "usr_ann");

type Json = Record<string, unknown>;
const run = async (name: string, input: object) => (await runDataCommand(deps, name, input)) as Json;
const shown = (name: string, result: object) => shownBy(name, result);

test("a budget is set, shown and removed, by the number, the user's id or the key's prefix", async () => {
  const { apiKey } = await issued(deps, "usr_ann");
  for (const [scope, id] of [
    ["project", String(project)],
    ["team", String(team)],
    ["user", "usr_ann"],
    ["key", apiKey.prefix],
  ] as const) {
    const set = await run("budgets set", { scope, id, allocated: "10.000000000001", period: "week" });
    assert.deepEqual(
      [set.scope, set.allocated_usd, set.period, set.reset_at],
      [scope, "10.000000000001", "week", "2026-01-05T00:00:00.000Z"],
    );
    assert.deepEqual(await run("budgets show", { scope, id }), set);
    assert.match(
      shown("budgets show", set).text,
      /week +10\.000000000001 +0 +0 +10\.000000000001 +0 +2026-01-05\S+ +ok$/,
    );
    assert.deepEqual(await run("budgets remove", { scope, id }), { scope, id, removed: true });
    await assert.rejects(run("budgets show", { scope, id }), UsageError);
  }
});

test("what has no budget, and what is none, is refused", async () => {
  for (const [name, input] of [
    ["budgets show", { scope: "project", id: "999999" }],
    ["budgets show", { scope: "project", id: "Apollo" }],
    ["budgets show", { scope: "planet", id: "1" }],
    ["budgets set", { scope: "team", id: "999999", allocated: "1" }],
    ["budgets set", { scope: "user", id: "usr_nobody", allocated: "1" }],
    ["budgets set", { scope: "key", id: "AbCdEf012345", allocated: "1" }],
    ["budgets set", { scope: "project", id: String(project), allocated: "-1" }],
    ["budgets set", { scope: "project", id: String(project) }],
    ["budgets set", { scope: "project", id: String(project), allocated: "1", period: "year" }],
  ] as const) {
    await assert.rejects(run(name, input), UsageError, JSON.stringify(input));
  }
});

test("a project without a budget is another thing than no project", async () => {
  const { id } = await run("projects create", { name: "Free", owner: "usr_ann" });
  for (const [named, message] of [
    [String(id), `the project ${id} has no budget`],
    ["999999", "there is no project 999999"],
  ]) {
    await assert.rejects(run("budgets show", { scope: "project", id: named }), { message });
  }
});
