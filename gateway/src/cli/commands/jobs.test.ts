import assert from "node:assert/strict";
import { after, test } from "node:test";
import { endAttempt } from "../../jobs/end-attempt.ts";
import { claimed, enqueued, projectFor, quiet, statusOf } from "../../jobs/testing.ts";
import { testStore } from "../../store/testing.ts";
import type { Actions } from "../actions.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const deps = commandDeps(db, 1);

async function run(argv: string) {
  const out: string[] = [];
  const actions = { data: (name, input) => runDataCommand(deps, name, input) } as Partial<Actions> as Actions;
  const code = await runProgram(argv.split(" "), actions, { out: (text) => out.push(text), note: () => {} });
  return { code, text: out.join("\n") };
}

test("the operator lists, shows, retries and discards dead letters", async () => {
  const project = await projectFor(db);
  const id = await enqueued(db, project);
  await enqueued(db, project);
  const [job] = await claimed(db);
  const error = { code: "PROVIDER_REJECTED", message: "not like this" };
  const failureReason = "fatal error";
  const end = () =>
    endAttempt({ db, ...quiet }, job!, { status: "dead_letter", outcome: "failed", failureReason, error });
  await end();

  const list = await run("jobs list --status dead_letter");
  assert.match(
    list.text,
    /^ID +PROJECT +TYPE +STATUS .*\n1 +1 +summarize +dead_letter +0\/3 .* fatal error$/,
  );
  assert.equal(JSON.parse((await run("jobs list --json")).text).items.length, 2);
  const shown = JSON.parse((await run(`jobs show ${id} --json`)).text);
  assert.equal(shown.job.last_error, "PROVIDER_REJECTED: not like this");
  assert.equal(shown.attempts[0].error, "not like this");
  assert.match((await run(`jobs show ${id}`)).text, /1 .* failed .* not like this/);

  assert.equal((await run(`jobs retry ${id}`)).code, 0);
  assert.equal(await statusOf(db, id), "pending");
  assert.equal((await run(`jobs discard ${id}`)).code, 1);
  await db.updateTable("jobs").set({ status: "dead_letter" }).where("id", "=", id).execute();
  assert.equal((await run(`jobs discard ${id}`)).code, 0);
  assert.equal(await statusOf(db, id), undefined);
});

test("what is no job, no project or no state is a usage error", async () => {
  for (const argv of [
    "jobs show 99",
    "jobs retry 99",
    "jobs discard x",
    "jobs list --project 99",
    "jobs list --status failed",
  ]) {
    assert.equal((await run(argv)).code, 2, argv);
  }
});
