import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { projectOf } from "../../access/testing.ts";
import { grant, principal, userNamed } from "../../identity/testing.ts";
import { until } from "../../lib/until.testing.ts";
import { testStore } from "../../store/testing.ts";
import { eventsAfter } from "../../telemetry/live.log.ts";
import type { EventData, EventType } from "../../telemetry/notifier.events.ts";
import { announcer } from "../../telemetry/notifier.outbox.ts";
import type { Actions } from "../actions.ts";
import { type CommandDeps, UsageError } from "../command.ts";
import { runDataCommand, runProgram } from "../program.ts";
import { commandDeps } from "../testing.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
/** Beside servers that others run on the same database. */
const deps: CommandDeps = { ...commandDeps(db, 1), counters: undefined };
await userNamed(db, "usr_ann");
const project = await projectOf(db, "usr_ann");
beforeEach(async () => {
  await sql`truncate events restart identity`.execute(db);
});

const announce = announcer({ ...deps, always: [] });
/** It can be read: a transaction of another test, anywhere on the server, holds it back until then. */
async function told(type: EventType, data: EventData): Promise<void> {
  await db.transaction().execute((tx) => announce(tx, type, data));
  await until(async () => !(await eventsAfter(db, [0, 0], 100)).isHeld, { limitMs: 30_000 });
}
const dead = (job: number) => told("job.dead", { job_id: job, project_id: project, type: "summarize" });

/** Runs the command line; each pause is one of `meanwhile`, and the last of them ends it, as Ctrl-C does. */
async function tail(flags: string, meanwhile: readonly (() => Promise<void>)[] = [], who = deps) {
  const out: string[] = [];
  const pauses: number[] = [];
  const left = [...meanwhile];
  const actions = {
    data: (name, input) => runDataCommand(who, name, JSON.parse(JSON.stringify(input))),
    async pause(ms) {
      pauses.push(ms);
      const next = left.shift();
      await next?.();
      return next !== undefined;
    },
  } as Partial<Actions> as Actions;
  const argv = `events tail ${flags}`.trim().split(" ");
  const code = await runProgram(argv, actions, { out: (text) => out.push(text), note: assert.fail });
  return { code, lines: out.flatMap((text) => text.split("\n")), pauses };
}

test("what happens is printed while it happens, a line each, until whoever watches ends it", async () => {
  await dead(1);
  const { code, lines, pauses } = await tail("", [
    () => dead(2),
    async () => {},
    async () => {
      await told("breaker.opened", { provider: "open ai" });
      await dead(3);
    },
  ]);
  assert.deepEqual(lines, [
    `2026-01-01T00:00:00.000Z  job.dead  job_id=2  project_id=${project}  type=summarize`,
    '2026-01-01T00:00:00.000Z  breaker.opened  provider="open ai"',
    `2026-01-01T00:00:00.000Z  job.dead  job_id=3  project_id=${project}  type=summarize`,
  ]);
  assert.deepEqual([code, pauses], [0, [2_000, 2_000, 2_000, 2_000]]);
});

test("a program reads the events as webhooks get them, from behind one that it names", async () => {
  for (const job of [1, 2, 3]) await dead(job);
  const all = await tail("--no-follow --json");
  const events = all.lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    events.map(({ type, data }) => [type, data.job_id]),
    [1, 2, 3].map((job) => ["job.dead", job]),
  );
  const { lines } = await tail(`--no-follow --json --since ${events[1].id}`);
  assert.deepEqual(lines, [all.lines[2]]);
});

test("one type is told alone", async () => {
  await told("breaker.opened", { provider: "openai" });
  await dead(1);
  const { lines } = await tail("--no-follow --type breaker.opened");
  assert.match(lines.join("\n"), /^\S+ {2}breaker\.opened {2}provider=openai$/);
});

test("more than is read at once is all printed, in its order", async () => {
  await db.transaction().execute(async (tx) => {
    for (let job = 1; job <= 1_100; job++)
      await announce(tx, "job.dead", { job_id: job, project_id: project });
  });
  await until(async () => !(await eventsAfter(db, [0, 0], 1)).isHeld, { limitMs: 30_000 });
  const { lines, pauses } = await tail(
    "--no-follow --json",
    Array(9).fill(async () => {}),
  );
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).data.job_id),
    Array.from({ length: 1_100 }, (_, index) => index + 1),
  );
  assert.deepEqual(pauses, [0, 0]);
});

test("an administrator's key that is bound to a project is told of that project alone", async () => {
  const other = await projectOf(db, "usr_ann");
  await dead(1);
  await told("job.dead", { job_id: 2, project_id: other });
  const key = grant({ ownerRole: "admin", scopes: ["admin:*"], projectId: other });
  const caller = principal({ role: "admin", key });
  const { lines } = await tail("--no-follow --json", [], { ...deps, by: { ...deps.by, caller } });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).data.job_id),
    [2],
  );
});

test("where no server runs on an embedded database nothing is waited for", async () => {
  const { code, pauses } = await tail("", [], commandDeps(db, 1));
  assert.deepEqual([code, pauses], [0, []]);
});

test("an event that is kept no more, and a type that there is not, are faults of the input", async () => {
  for (const input of [
    { since: "00000000-0000-7000-8000-000000000000" },
    { since: "x" },
    { type: "job.born" },
    { after: ["0", "0"] },
  ]) {
    await assert.rejects(runDataCommand(deps, "events tail", input), UsageError, JSON.stringify(input));
  }
});
