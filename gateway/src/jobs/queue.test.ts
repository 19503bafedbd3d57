import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { sql } from "kysely";
import { createBudget } from "../costs/budgets.ts";
import { testStore } from "../store/testing.ts";
import { type Ending, endAttempt } from "./end-attempt.ts";
import { BUDGET_EXCEEDED, enqueue } from "./enqueue.ts";
import { endLostAttempts, extendLeases } from "./leases.ts";
import { readQueue } from "./queue-watch.ts";
import { attemptsOf } from "./read.ts";
import { claimed, comeDue, enqueued, jobIn, projectFor, quiet, statusOf } from "./testing.ts";
import { unblock, wakeRetrying } from "./wake.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const project = await projectFor(db);
beforeEach(async () => {
  await sql`truncate jobs, job_attempts, budgets, budget_alerts restart identity`.execute(db);
});

const error = { code: "INTERNAL", message: "it broke" };
const failed: Ending = { status: "retrying", outcome: "failed", delayMs: 60_000, retryCount: 1, error };
const done: Ending = { status: "completed", result: `{"text":"The end"}` };
const end = (job: Parameters<typeof endAttempt>[1], ending: Ending) =>
  endAttempt({ db, ...quiet }, job, ending);

async function rowOf(id: number) {
  return db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

test("a transaction that is rolled back leaves no job", async () => {
  const work = db.transaction().execute(async (tx) => {
    await enqueue(tx, jobIn(project));
    throw new Error("changed my mind");
  });
  await assert.rejects(work, /changed my mind/);
  assert.deepEqual(await db.selectFrom("jobs").select("id").execute(), []);
});

test("the same idempotency key is the same job, and tells a repetition from another job", async () => {
  const first = await enqueue(db, jobIn(project, { idempotencyKey: "k" }));
  const again = await enqueue(db, jobIn(project, { idempotencyKey: "k", payload: { text: "?" } }));
  const other = await enqueue(db, jobIn(project, { idempotencyKey: "k", bodyHash: Buffer.alloc(32, 1) }));
  assert.deepEqual(first, { id: first.id, status: "pending", created: true, isSame: true });
  assert.deepEqual(again, { id: first.id, status: "pending", created: false, isSame: true });
  assert.deepEqual(other, { id: first.id, status: "pending", created: false, isSame: false });
  const elsewhere = await enqueue(db, jobIn(await projectFor(db), { idempotencyKey: "k" }));
  assert.equal(elsewhere.created, true);
});

test("twenty repetitions at once make one job", async () => {
  const all = await Promise.all(
    Array.from({ length: 20 }, () => enqueue(db, jobIn(project, { idempotencyKey: "k" }))),
  );
  assert.equal(all.filter(({ created }) => created).length, 1);
  assert.equal(new Set(all.map(({ id }) => id)).size, 1);
});

test("jobs are claimed by priority, then by age, each once", async () => {
  const low = await enqueued(db, project, { priority: -1 });
  const first = await enqueued(db, project);
  const second = await enqueued(db, project);
  const high = await enqueued(db, project, { priority: 5 });
  const ids = (await Promise.all([claimed(db, 2), claimed(db, 5)])).map((jobs) => jobs.map(({ id }) => id));
  assert.deepEqual(ids.flat().toSorted(), [low, first, second, high].toSorted());
  const order = [high, first, second, low];
  for (const some of ids)
    assert.deepEqual(
      some,
      order.filter((id) => some.includes(id)),
    );
  assert.deepEqual(await claimed(db, 5), []);
});

test("a claimed job carries a token and its call's id, and an attempt has begun", async () => {
  const id = await enqueued(db, project, { payload: { text: "a\0b \ud800" } });
  const [job] = await claimed(db);
  assert.deepEqual(job!.payload, { text: "a\0b \ud800" });
  const [attempt] = await attemptsOf(db, id);
  assert.deepEqual(
    { ...attempt, startedAt: 0 },
    {
      attempt: 1,
      callId: job!.callId,
      worker: "test",
      startedAt: 0,
      endedAt: null,
      outcome: null,
      errorCode: null,
      error: null,
      tokensInput: null,
      tokensOutput: null,
      costPico: null,
    },
  );
});

test("no more jobs of a project run at a time than the cap allows, whoever claims", async () => {
  const other = await projectFor(db);
  for (let index = 0; index < 6; index++) await enqueued(db, project);
  const alone = await enqueued(db, other);
  const all = await Promise.all(Array.from({ length: 4 }, () => claimed(db, 3, { perProject: 2 })));
  const jobs = all.flat();
  assert.equal(jobs.filter(({ projectId }) => projectId === project).length, 2);
  assert.ok(jobs.some(({ id }) => id === alone));
  await end(jobs.find(({ projectId }) => projectId === project)!, done);
  assert.equal((await claimed(db, 3, { perProject: 2 })).length, 1);
});

test("an attempt is ended once, by whoever has its token", async () => {
  const id = await enqueued(db, project);
  const [job] = await claimed(db);
  const stranger = { ...job!, token: "00000000-0000-4000-8000-000000000000" };
  assert.equal(await end(stranger, done), undefined);
  assert.equal(await end(job!, done), "completed");
  assert.equal(await end(job!, failed), undefined);
  const row = await rowOf(id);
  assert.deepEqual([row.status, row.result, row.lock_token], ["completed", { text: "The end" }, null]);
  assert.ok(row.completed_at! >= row.started_at!);
  assert.equal((await attemptsOf(db, id))[0]!.outcome, "completed");
});

test("a failed attempt waits for its time, and its job keeps what went wrong", async () => {
  const id = await enqueued(db, project);
  const [job] = await claimed(db);
  assert.equal(await end(job!, failed), "retrying");
  const row = await rowOf(id);
  assert.deepEqual([row.retry_count, row.last_error, row.failure_reason], [1, "INTERNAL: it broke", null]);
  const [attempt] = await attemptsOf(db, id);
  assert.equal(row.next_retry_at!.getTime() - attempt!.endedAt!.getTime(), 60_000);
  assert.equal(await wakeRetrying(db), 0);
  await comeDue(db, id);
  assert.equal(await wakeRetrying(db), 1);
  const [again] = await claimed(db);
  assert.deepEqual([again!.id, again!.attempt, again!.retryCount], [id, 2, 1]);
});

test("a worker that is not heard of for a lease has lost its job; one that is heard of has not", async () => {
  const lost = await enqueued(db, project);
  const held = await enqueued(db, project, { maxRetries: 0 });
  const jobs = await claimed(db, 2);
  await comeDue(db, lost);
  assert.equal(await endLostAttempts({ db, ...quiet, retryBaseMs: 60_000 }), 1);
  assert.deepEqual([await statusOf(db, lost), await statusOf(db, held)], ["retrying", "running"]);
  assert.equal((await rowOf(lost)).last_error, "WORKER_LOST: worker lost (lease expired)");
  assert.equal((await attemptsOf(db, lost))[0]!.outcome, "lost");
  const leases = await extendLeases(
    db,
    jobs.map(({ token }) => token),
    30_000,
  );
  assert.deepEqual(leases, [{ token: jobs.find(({ id }) => id === held)!.token, isCancelled: false }]);
  await comeDue(db, held);
  await endLostAttempts({ db, ...quiet, retryBaseMs: 60_000 });
  assert.deepEqual(
    [(await rowOf(held)).status, (await rowOf(held)).failure_reason],
    ["dead_letter", "max retries exceeded"],
  );
});

test("a lease that was extended in the meantime is not taken for a lost one", async () => {
  await enqueued(db, project);
  const [job] = await claimed(db);
  assert.equal(await endAttempt({ db, ...quiet }, job!, failed, { onlyIfLost: true }), undefined);
  assert.equal(await statusOf(db, job!.id), "running");
});

test("blocked and dead jobs are told of, in the transaction that makes them so", async () => {
  const told: unknown[] = [];
  const announce = async (_tx: unknown, type: string, data: unknown) => void told.push([type, data]);
  for (let index = 0; index < 2; index++) await enqueued(db, project);
  const [one, other] = await claimed(db, 2);
  await endAttempt({ db, announce }, one!, { status: "blocked", neededPico: 5n, error });
  await endAttempt({ db, announce }, other!, {
    status: "dead_letter",
    outcome: "failed",
    failureReason: "fatal error",
    error,
  });
  await endAttempt({ db, announce }, other!, {
    status: "dead_letter",
    outcome: "failed",
    failureReason: "fatal error",
    error,
  });
  const data = { project_id: project, type: "summarize", last_error: "INTERNAL: it broke" };
  assert.deepEqual(told, [
    ["job.blocked", { ...data, job_id: one!.id, failure_reason: BUDGET_EXCEEDED }],
    ["job.dead", { ...data, job_id: other!.id, failure_reason: "fatal error" }],
  ]);
  const row = await rowOf(one!.id);
  assert.deepEqual([row.failure_reason, row.started_at, row.needed_pico], [BUDGET_EXCEEDED, null, "5"]);
});

test("a job that goes back to blocked without having run is not told of again", async () => {
  const told: string[] = [];
  const announce = async (_tx: unknown, type: string) => void told.push(type);
  const blocked: Ending = { status: "blocked", neededPico: 0n, error };
  const attempted = async () => {
    assert.equal(await unblock(db), 1);
    const [job] = await claimed(db);
    assert.equal(await endAttempt({ db, announce }, job!, blocked), "blocked");
  };
  await enqueued(db, project);
  await endAttempt({ db, announce }, (await claimed(db))[0]!, blocked);
  await attempted();
  await attempted();
  assert.deepEqual(told, ["job.blocked"]);
  await sql`delete from jobs`.execute(db);
  const budget = { scope: "project", scopeId: String(project), allocatedPico: 0n, period: "none" } as const;
  await createBudget(db, budget, 0);
  assert.equal((await enqueue(db, jobIn(project))).status, "blocked");
  await sql`update budgets set allocated_pico = 100`.execute(db);
  await attempted();
  assert.deepEqual(told, ["job.blocked"]);
});

test("a large job that waits for its budget does not keep smaller ones from going on", async () => {
  const budget = { scope: "project", scopeId: String(project), allocatedPico: 0n, period: "none" } as const;
  await createBudget(db, budget, 0);
  const large = await enqueued(db, project, { neededPico: 1_000n });
  const small = await enqueued(db, project, { neededPico: 10n });
  for (let index = 0; index < 120; index++) await enqueued(db, project, { neededPico: 1_000n });
  const last = await enqueued(db, project, { neededPico: 10n });
  await sql`update budgets set allocated_pico = 900`.execute(db);
  assert.equal(await unblock(db), 2);
  assert.deepEqual(
    [await statusOf(db, large), await statusOf(db, small), await statusOf(db, last)],
    ["blocked", "pending", "pending"],
  );
});

test("what never reserved money costs nothing from its end on", async () => {
  const id = await enqueued(db, project);
  const refused = { code: "PROVIDER_UNAVAILABLE", message: "not now" };
  const deferred: Ending = { ...failed, outcome: "deferred", delayMs: 0, error: refused };
  for (const ending of [deferred, { status: "blocked", neededPico: 0n, error } as const, failed]) {
    await end((await claimed(db))[0]!, ending);
    await comeDue(db, id);
    await wakeRetrying(db);
    await unblock(db);
  }
  assert.deepEqual(
    (await attemptsOf(db, id)).map(({ costPico }) => costPico),
    [0n, 0n, null],
  );
});

test("a job waits while any budget of its user, key, project or team has too little left", async () => {
  const needs = { neededPico: 100n };
  const set = async (scope: "project" | "user", allocatedPico: bigint) => {
    const scopeId = scope === "user" ? "usr_ann" : String(project);
    await db.deleteFrom("budgets").where("scope", "=", scope).execute();
    await createBudget(db, { scope, scopeId, allocatedPico, period: "none" }, 0);
  };
  await set("project", 99n);
  const { id, status } = await enqueue(db, jobIn(project, needs));
  assert.deepEqual([status, (await rowOf(id)).failure_reason], ["blocked", BUDGET_EXCEEDED]);
  assert.equal(await unblock(db), 0);
  await set("project", 100n);
  await set("user", 50n);
  assert.equal(await unblock(db), 0);
  await set("user", 100n);
  assert.equal(await unblock(db), 1);
  assert.deepEqual([await statusOf(db, id), (await rowOf(id)).failure_reason], ["pending", null]);
});

test("no more blocked jobs are let go than the budget has room for, and what runs holds its money", async () => {
  await createBudget(
    db,
    { scope: "project", scopeId: String(project), allocatedPico: 0n, period: "none" },
    0,
  );
  for (let index = 0; index < 5; index++) await enqueued(db, project, { neededPico: 100n });
  await sql`update budgets set allocated_pico = 350, reserved_pico = 100, spent_pico = 30`.execute(db);
  assert.equal(await unblock(db), 2);
});

test("a budget whose period is over has all its money again", async () => {
  const budget = { scope: "project", scopeId: String(project), allocatedPico: 100n, period: "day" } as const;
  await createBudget(db, budget, Date.now());
  await sql`update budgets set spent_pico = 100`.execute(db);
  assert.equal((await enqueue(db, jobIn(project, { neededPico: 10n }))).status, "blocked");
  await sql`update budgets set period_start = period_start - interval '1 day'`.execute(db);
  assert.equal(await unblock(db), 1);
});

test("the queue knows how many jobs are where, and how long the oldest has waited", async () => {
  for (let index = 0; index < 3; index++) await enqueued(db, project);
  await end((await claimed(db))[0]!, done);
  await claimed(db);
  await sql`update jobs set run_at = now() - interval '90 seconds'`.execute(db);
  const { counts, oldestWaitSeconds } = await readQueue(db);
  assert.deepEqual(counts, { pending: 1, running: 1, retrying: 0, blocked: 0, dead_letter: 0 });
  assert.ok(oldestWaitSeconds >= 90 && oldestWaitSeconds < 100);
});
