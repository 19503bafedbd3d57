import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sql } from "kysely";
import { createBudget } from "../../costs/budgets.ts";
import { testStore } from "../../store/testing.ts";
import type { Actions } from "../actions.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const deps = commandDeps(store.db, 1);

async function run(argv: string) {
  const out: string[] = [];
  const actions = { data: (name, input) => runDataCommand(deps, name, input) } as Partial<Actions> as Actions;
  const code = await runProgram(argv.split(" "), actions, { out: (text) => out.push(text), note: () => {} });
  return { code, text: out.join("\n") };
}

test("verify exits with 1 while drift is left, repairs it on demand, and shows it as JSON", async () => {
  const budget = { scope: "team", scopeId: "5", allocatedPico: 1_000n, period: "none" } as const;
  await createBudget(store.db, budget, 0);
  assert.deepEqual(await run("verify"), {
    code: 0,
    text: "1 roll-ups and budgets checked.\nThe books agree with the ledger.",
  });
  await sql`update budgets set spent_pico = 12`.execute(store.db);
  const drift = [{ scope: "team", id: "5 (budget 1)", counter: "spent_pico", expected: "0", found: "12" }];
  const found = await run("verify --json");
  assert.equal(found.code, 1);
  assert.deepEqual(JSON.parse(found.text), { checked: 1, drift, repaired: 0 });
  const table = await run("verify");
  assert.equal(table.code, 1);
  assert.match(table.text, /^team {3}5 \(budget 1\) {2}spent_pico {9}0 {5}12$/m);
  assert.match(table.text, /1 counters differ: tollgate verify --repair$/);
  const repaired = await run("verify --repair --json");
  assert.equal(repaired.code, 0);
  assert.deepEqual(JSON.parse(repaired.text), { checked: 1, drift, repaired: 1 });
  assert.equal((await run("verify")).code, 0);
});

test("verify takes nothing else", async () => {
  assert.equal((await run("verify --now")).code, 2);
  assert.equal((await run("verify everything")).code, 2);
});

test("days are checked and repaired in steps that cross a wire, and each says how far it is", async () => {
  for (const day of ["2026-01-01", "2026-01-03"]) {
    await sql`insert into daily_costs
      values (${day}, 'usr_dev', null, null, 'chat', 'openai', 'gpt-5.1', 2, 0, 0, 0, 0, 0)`.execute(
      store.db,
    );
  }
  const steps: unknown[] = [];
  const progress: string[] = [];
  const data: Actions["data"] = async (name, input) => {
    steps.push(input);
    const result = await runDataCommand(deps, name, JSON.parse(JSON.stringify(input)));
    return JSON.parse(JSON.stringify(result));
  };
  const texts: string[] = [];
  const code = await runProgram(["verify", "--repair"], { data } as Actions, {
    out: (text) => texts.push(text),
    note: assert.fail,
    showProgress: (at) => at !== undefined && progress.push(`${at.done} of ${at.total} ${at.what}`),
  });
  assert.deepEqual([code, steps.length, progress], [0, 2, ["0 of 3 days"]]);
  assert.match(texts.join("\n"), /^3 roll-ups and budgets checked\.[\s\S]*2 counters repaired\.$/);
  const { text } = await run("verify");
  assert.match(text, /The books agree with the ledger\.$/);
});
