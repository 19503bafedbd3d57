import type { TestContext } from "node:test";
import { sql } from "kysely";
import { userNamed } from "../identity/testing.ts";
import { systemClock } from "../lib/clock.ts";
import { systemChance, uuidv7 } from "../lib/ids.ts";
import type { Db } from "../store/tables.ts";
import { claim } from "./claim.ts";
import { enqueue, type NewJob } from "./enqueue.ts";
import type { Claimed } from "./job.ts";
import { type JobStatus, mayBecome } from "./states.ts";
import { startWorker, type Worker, type WorkerDeps } from "./worker.ts";

/** Imported by tests only. A user and a project of that user's, by its number. */
export async function projectFor(db: Db, userId = "usr_ann"): Promise<number> {
  await userNamed(db, userId).catch(() => userId);
  const project = { name: "Project", owner_id: userId, created_at: new Date(0) };
  return (await db.insertInto("projects").values(project).returning("id").executeTakeFirstOrThrow()).id;
}

/** A job of usr_ann that costs nothing; what a test is about is said in `fields`. */
export function jobIn(projectId: number, fields: Partial<NewJob> = {}): NewJob {
  return {
    projectId,
    userId: "usr_ann",
    keyId: undefined,
    type: "summarize",
    payload: { text: "Once upon a time" },
    priority: 0,
    maxRetries: 3,
    idempotencyKey: undefined,
    bodyHash: Buffer.alloc(32),
    correlationId: "req_0123456789",
    estimatedPico: 0n,
    neededPico: 0n,
    ...fields,
  };
}

export async function enqueued(db: Db, projectId: number, fields: Partial<NewJob> = {}): Promise<number> {
  return (await enqueue(db, jobIn(projectId, fields))).id;
}

export function callId(): string {
  return uuidv7(systemClock.now(), systemChance);
}

export function claimed(
  db: Db,
  most = 1,
  fields: { leaseMs?: number; perProject?: number } = {},
): Promise<readonly Claimed[]> {
  const callIds = Array.from({ length: most }, callId);
  return claim(db, { callIds, worker: "test", leaseMs: 30_000, perProject: 0, ...fields });
}

/** Lets the time come that a job waits for: `run_at`, `next_retry_at`, `lease_until`. */
export async function comeDue(db: Db, id: number): Promise<void> {
  await sql`
    update jobs set run_at = least(run_at, now()), next_retry_at = next_retry_at - interval '1 year',
      lease_until = lease_until - interval '1 year'
    where id = ${id}`.execute(db);
}

/** From now on every change of a job's status is written down. */
export async function logTransitions(db: Db): Promise<void> {
  await sql`create table transitions (number bigint generated always as identity, job_id bigint, was text, is_now text)`.execute(
    db,
  );
  await sql`
    create function log_transition() returns trigger language plpgsql as $$
    begin
      insert into transitions (job_id, was, is_now) values (new.id, old.status, new.status);
      return new;
    end $$`.execute(db);
  await sql`
    create trigger log_transitions after update of status on jobs
    for each row when (old.status is distinct from new.status) execute function log_transition()`.execute(db);
}

export type Transition = { readonly job_id: number; readonly was: JobStatus; readonly is_now: JobStatus };

export async function transitionsOf(db: Db): Promise<readonly Transition[]> {
  const { rows } = await sql<Transition>`select job_id, was, is_now from transitions order by number`.execute(
    db,
  );
  return rows;
}

export function illegal(transitions: readonly Transition[]): readonly Transition[] {
  return transitions.filter(({ was, is_now }) => !mayBecome(was, is_now));
}

export async function statusOf(db: Db, id: number): Promise<JobStatus | undefined> {
  return (await db.selectFrom("jobs").select("status").where("id", "=", id).executeTakeFirst())?.status;
}

/** Where nothing is announced, nothing counted and no trouble expected. */
export const quiet = {
  announce: async () => {},
  onAttempt: () => {},
  onTrouble(what: string, error: unknown): never {
    throw new Error(what, { cause: error });
  },
};

/** A worker in real time whose retries come at once; closed without grace after the test. */
export function testWorker(
  test: Pick<TestContext, "after">,
  deps: Pick<WorkerDeps, "store" | "perform"> & Partial<WorkerDeps>,
): Worker {
  const worker = startWorker({
    clock: systemClock,
    chance: systemChance,
    name: "test",
    concurrency: 4,
    leaseMs: 1_500,
    retryBaseMs: 10,
    perProject: 0,
    neededPico: ({ neededPico }) => neededPico,
    ...quiet,
    ...deps,
  });
  test.after(() => worker.close(0));
  return worker;
}
