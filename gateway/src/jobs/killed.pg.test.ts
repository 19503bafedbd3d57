import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { systemClock } from "../lib/clock.ts";
import { until } from "../lib/until.testing.ts";
import { openPglite } from "../store/pglite.ts";
import type { Db } from "../store/tables.ts";
import { missing, testFolder, testPostgres } from "../store/testing.ts";
import { mannerOf, startWorkerProcess, type WorkerProcess } from "./killed.testing.ts";
import { enqueued, illegal, logTransitions, projectFor, transitionsOf } from "./testing.ts";

async function enqueueAll(db: Db, count: number): Promise<void> {
  const project = await projectFor(db);
  await logTransitions(db);
  for (let index = 0; index < count; index++) {
    await enqueued(db, project, { payload: { manner: mannerOf(index) }, maxRetries: 30 });
  }
  await sql`update jobs set max_retries = 2 where payload ->> 'manner' = 'poison'`.execute(db);
}

const unfinished = async (db: Db): Promise<number> => {
  const { rows } = await sql<{ jobs: number }>`
    select count(*) as jobs from jobs where status not in ('completed', 'dead_letter')`.execute(db);
  return rows[0]!.jobs;
};

/** What must be so, however often and whenever workers were killed. */
async function assertEachEndedOnce(db: Db, count: number): Promise<void> {
  const transitions = await transitionsOf(db);
  assert.deepEqual(illegal(transitions), []);
  const { rows } = await sql<{ status: string; manner: string; jobs: number }>`
    select status, payload ->> 'manner' as manner, count(*) as jobs from jobs group by status, manner order by manner`.execute(
    db,
  );
  assert.deepEqual(rows, [
    { status: "completed", manner: "flaky", jobs: count / 5 },
    { status: "completed", manner: "ok", jobs: (count * 3) / 4 },
    { status: "dead_letter", manner: "poison", jobs: count / 20 },
  ]);
  const ends = transitions.filter(({ is_now }) => is_now === "completed" || is_now === "dead_letter");
  assert.equal(ends.length, count);
  assert.equal(new Set(ends.map(({ job_id }) => job_id)).size, count);
  const { rows: open } = await sql`select from job_attempts where ended_at is null`.execute(db);
  assert.equal(open.length, 0);
}

test("500 jobs on workers that are killed again and again each end once, and as they should", {
  skip: missing("postgres"),
}, async (t) => {
  await using store = await testPostgres();
  await enqueueAll(store.db, 500);
  const all: WorkerProcess[] = [];
  const start = async (): Promise<WorkerProcess> => {
    const worker = await startWorkerProcess(store.url);
    all.push(worker);
    return worker;
  };
  const begun = () => all.reduce((sum, worker) => sum + worker.begun.length, 0);
  const places = [start(), start(), start()];
  await Promise.all(places);
  for (let kills = 0; kills < 20; kills++) {
    const seen = begun();
    await until(() => begun() >= seen + 12);
    await (await places.shift()!).kill();
    places.push(start());
  }
  await until(async () => (await unfinished(store.db)) === 0, { what: () => "all jobs to end" });
  await Promise.all(places.map(async (worker) => (await worker).stop()));
  await assertEachEndedOnce(store.db, 500);
  const { rows } = await sql<{ lost: number }>`
    select count(*) as lost from job_attempts where outcome = 'lost'`.execute(store.db);
  t.diagnostic(`${rows[0]!.lost} attempts lost, ${begun()} begun`);
  assert.ok(rows[0]!.lost >= 20);
});

test("60 jobs on the embedded database, whose process is killed, each end once", async (t) => {
  using home = await testFolder();
  const open = () => openPglite({ folder: home.folder, clock: systemClock });
  const first = await open();
  await enqueueAll(first.db, 60);
  await first.close();
  let begun = 0;
  for (let kills = 0; kills < 2; kills++) {
    const worker = await startWorkerProcess(home.folder);
    await until(() => worker.begun.length >= 12);
    await worker.kill();
    begun += worker.begun.length;
  }
  const last = await startWorkerProcess(home.folder);
  await until(() => last.left() === 0, { limitMs: 20_000, what: () => "all jobs to end" });
  await last.stop();
  const store = await open();
  await assertEachEndedOnce(store.db, 60);
  await store.close();
  t.diagnostic(`${begun + last.begun.length} attempts begun`);
});
