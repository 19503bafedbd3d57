import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { projectOf } from "../../access/testing.ts";
import { userNamed } from "../../identity/testing.ts";
import type { Actions } from "../actions.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps } from "../testing.ts";
import { commandServer } from "./in-server.testing.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-jobs-"));
after(() => rmSync(folder, { recursive: true }));
const { app, deps } = await commandServer({ ROLE: "gateway" });
const { db } = app.store;
await userNamed(db, "usr_ann");
await userNamed(db, "usr_ben");
const project = await projectOf(db, "usr_ann");

/** Runs a command line against the server. */
async function typed(...argv: string[]) {
  const out: string[] = [];
  const notes: string[] = [];
  const actions = { data: (name, input) => runDataCommand(deps, name, input) } as Partial<Actions> as Actions;
  const write = { out: (text: string) => out.push(text), note: (text: string) => notes.push(text) };
  const code = await runProgram(argv, actions, write);
  return { code, out: out.join("\n"), notes: notes.join("\n") };
}
const create = (payload: string, ...more: string[]) =>
  typed("jobs", "create", "--project", String(project), "--type", "summarize", "--payload", payload, ...more);

test("a job is made in the name of the project's owner, from a text or a file, and cancelled", async () => {
  const made = await create('{"text":"Much ado about nothing."}');
  assert.deepEqual([made.code, made.notes], [0, `Job ${made.out} is pending.`]);
  const job = await db.selectFrom("jobs").selectAll().where("id", "=", Number(made.out)).executeTakeFirst();
  assert.deepEqual([job?.user_id, job?.project_id, job?.type], ["usr_ann", project, "summarize"]);
  const file = join(folder, "payload.json");
  writeFileSync(file, '{"text":"As you like it."}');
  const second = await create(`@${file}`, "--priority", "-5", "--json");
  const { payload, status } = JSON.parse(second.out);
  assert.deepEqual([payload.text, status], ["As you like it.", "pending"]);
  const cancelled = await typed("jobs", "cancel", made.out);
  assert.deepEqual([cancelled.code, cancelled.notes], [0, `Job ${made.out} is cancelled.`]);
});

test("under the same idempotency key it is the same job, and another one is a conflict", async () => {
  const key = ["--idempotency-key", "nightly-1"];
  const first = await create('{"text":"Once."}', ...key);
  assert.equal((await create('{"text":"Once."}', ...key)).out, first.out);
  assert.equal((await create('{"text":"Twice."}', ...key)).code, 1);
});

test("what is no job, or nobody's, is refused by its field", async () => {
  for (const [result, message] of [
    [await create("{"), /--payload is no JSON/],
    [await create("@none.json"), /cannot be read: none\.json/],
    [await create("{}"), /^--payload text: /],
    [await create('{"text":"x"}', "--user", "usr_nobody"), /no user usr_nobody/],
    [await create('{"text":"x"}', "--user", "usr_ben"), /no project/],
    [await create('{"text":"x"}', "--project", "99999"), /no project 99999/],
    [await create('{"text":"x"}', "--type", "juggle"), /type is no operation; there are: /],
    [await typed("jobs", "cancel", "99999"), /no job 99999/],
  ] as const) {
    assert.equal(result.code, 2, result.notes);
    assert.match(result.notes, message);
  }
  const input = { project: String(project), type: "summarize", payload: { text: "x" } };
  const outside = runDataCommand(commandDeps(db, 1), "jobs create", input);
  await assert.rejects(outside, { name: "UsageError", message: /TOLLGATE_URL/ });
});
