import assert from "node:assert/strict";
import { after, test } from "node:test";
import { userNamed } from "../../identity/testing.ts";
import { holdPlan } from "../../limits/plans.ts";
import { testStore } from "../../store/testing.ts";
import type { Actions } from "../actions.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps, shownBy } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const filePlans = new Map([["basic", { requests_per_minute: 10 }]]);
const deps: CommandDeps = { ...commandDeps(store.db, 1), filePlans, holdPlan: holdPlan(filePlans) };
await userNamed(store.db, "usr_ann");

type Json = Record<string, unknown>;
const run = async (name: string, input: object = {}) => (await runDataCommand(deps, name, input)) as Json;

/** Runs a command line in this process. */
async function typed(argv: string) {
  const texts: string[] = [];
  const write = (text: string) => void texts.push(text);
  const actions = { data: run } as Partial<Actions> as Actions;
  const code = await runProgram(argv.split(" "), actions, { out: write, note: write });
  return { code, text: texts.join("\n") };
}

test("a plan is set with one flag for each limit, shown, given to a user and taken back", async () => {
  const set = await typed("plans set free --limit requests_per_minute=60 --limit daily_requests=1000 --json");
  const stored = {
    name: "free",
    source: "stored",
    limits: { requests_per_minute: 60, daily_requests: 1000 },
  };
  const at = { updated_at: "2026-01-01T00:00:00.000Z", updated_by: "operator" };
  assert.deepEqual(JSON.parse(set.text), { ...stored, ...at });
  assert.deepEqual(await run("plans show", { name: "free" }), { ...stored, ...at });

  const given = await run("users set-plan", { user: "usr_ann", plan: "free" });
  assert.deepEqual(
    [given.plan, shownBy("users set-plan", given).text],
    ["free", "usr_ann has the plan free now."],
  );
  await assert.rejects(run("plans delete", { name: "free" }), { code: "CONFLICT" });
  assert.equal((await run("users set-plan", { user: "usr_ann", plan: "none" })).plan, "default");
  assert.deepEqual(await run("plans delete", { name: "free" }), { name: "free", deleted: true });
  await assert.rejects(run("plans show", { name: "free" }), UsageError);
});

test("a plan of the configuration file is listed with its source, and cannot be deleted", async () => {
  await run("plans set", { name: "wide", limit: [] });
  assert.match(
    shownBy("plans list", await run("plans list")).text,
    /^PLAN +SOURCE +REQUESTS\/MIN.*\nbasic +file +10 +- +- +- +- +-\nwide +stored +- +- +- +- +2026-\S+ +operator$/,
  );
  await assert.rejects(run("plans delete", { name: "basic" }), { code: "CONFLICT" });
});

test("every change of a plan is in the audit log under the operator's name", async () => {
  await run("plans set", { name: "noted", limit: ["tokens_per_minute=5"] });
  const { entry } = await store.db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  const { action, target, actor } = JSON.parse(entry) as Json;
  assert.deepEqual(
    [action, target, actor],
    ["policy.change", { type: "plan", id: "noted" }, { type: "operator", id: "operator" }],
  );
});

test("what is no plan and no limit is refused", async () => {
  for (const [argv, message] of [
    ["plans set Free", /name must be lower-case letters/],
    ["plans set free --limit requests", /requests is not written as name=number/],
    ["plans set free --limit per_week=5", /there is no limit per_week; there are: requests_per_minute/],
    ["plans set free --limit daily_requests=1 --limit daily_requests=2", /daily_requests is given twice/],
    ["plans set free --limit daily_requests=9999999999", /daily_requests/],
    ["plans show nothing", /there is no plan nothing/],
    ["plans delete nothing", /there is no plan nothing/],
    ["users set-plan usr_ann nothing", /^there is no plan nothing; there are: basic, noted, wide$/],
  ] as const) {
    const { code, text } = await typed(argv);
    assert.equal(code, 2, argv);
    assert.match(text, message);
  }
});
