import { sql } from "kysely";
import { type By, holdProject } from "../access/hold.ts";
import type { Level } from "../access/levels.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Change } from "../telemetry/change.ts";
import { type CostedJob, withCosts } from "./costs.ts";
import { type Job, jobOf, tell } from "./job.ts";
import { cancellable } from "./states.ts";

export type ByHandDeps = { readonly db: Db; readonly change: Change };

/**
 * Cancels a job: a developer of its project. One that runs is asked to stop, and is cancelled when it does; if it
 * finishes first, it is completed. Throws NOT_FOUND, FORBIDDEN, CONFLICT for one that has ended otherwise.
 */
export function cancelJob({ change }: ByHandDeps, by: By, id: number): Promise<CostedJob> {
  return change(by.cause, async (tx, note) => {
    const { status, projectId } = await holdJob(tx, by, id, "developer");
    if (status !== "cancelled" && !cancellable.includes(status)) throw conflict(`It is ${status} already.`);
    if (status !== "cancelled") {
      await (status === "running" ? askToStop(tx, id) : cancelNow(tx, id));
      note({ action: "job.cancel", target: { type: "job", id: String(id) }, reason: `project ${projectId}` });
    }
    return readJob(tx, id);
  });
}

async function askToStop(tx: Tx, id: number): Promise<void> {
  await sql`
    with asked as (
      update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()) where id = ${id} returning id
    )
    select ${tell("cancel")} from asked`.execute(tx);
}

async function cancelNow(tx: Tx, id: number): Promise<void> {
  await sql`
    update jobs set status = 'cancelled', cancel_requested_at = now(), completed_at = now(), next_retry_at = null,
      failure_reason = null
    where id = ${id}`.execute(tx);
}

/**
 * Begins a dead letter anew, with all its retries, at once: a manager of its project. Its attempts go on counting, so
 * that the old ones stay. Throws NOT_FOUND, FORBIDDEN, CONFLICT for what is no dead letter.
 */
export function retryJob({ change }: ByHandDeps, by: By, id: number): Promise<CostedJob> {
  return change(by.cause, async (tx, note) => {
    const { failureReason, projectId } = await holdDeadLetter(tx, by, id);
    await sql`
      with woken as (
        update jobs set status = 'pending', retry_count = 0, failure_reason = null, run_at = now(),
          started_at = null, completed_at = null, cancel_requested_at = null
        where id = ${id} returning id
      )
      select ${tell("work")} from woken`.execute(tx);
    const target = { type: "job", id: String(id) };
    note({ action: "job.retry", target, reason: `project ${projectId}: ${failureReason}` });
    return readJob(tx, id);
  });
}

/** Deletes a dead letter for good, with its attempts: a manager of its project. Its calls stay on the ledger. Throws as `retryJob`. */
export function discardJob({ change }: ByHandDeps, by: By, id: number): Promise<void> {
  return change(by.cause, async (tx, note) => {
    const { type, failureReason, projectId } = await holdDeadLetter(tx, by, id);
    await tx.deleteFrom("jobs").where("id", "=", id).execute();
    const target = { type: "job", id: String(id) };
    note({ action: "job.discard", target, reason: `project ${projectId}, ${type}: ${failureReason}` });
  });
}

async function holdDeadLetter(tx: Tx, by: By, id: number): Promise<Job> {
  const job = await holdJob(tx, by, id, "manager");
  if (job.status !== "dead_letter") throw conflict(`It is no dead letter: it is ${job.status}.`);
  return job;
}

/** The project is locked before the job, as everywhere. */
async function holdJob(tx: Tx, { caller }: By, id: number, wanted: Level): Promise<Job> {
  const known = await tx.selectFrom("jobs").select("project_id").where("id", "=", id).executeTakeFirst();
  if (known === undefined) throw new TollgateError("NOT_FOUND");
  await holdProject(tx, caller, known.project_id, wanted);
  const row = await tx.selectFrom("jobs").selectAll().where("id", "=", id).forUpdate().executeTakeFirst();
  if (row === undefined) throw new TollgateError("NOT_FOUND");
  return jobOf(row);
}

async function readJob(tx: Tx, id: number): Promise<CostedJob> {
  const row = await tx.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  return (await withCosts(tx, [jobOf(row)]))[0]!;
}

function conflict(message: string): TollgateError {
  return new TollgateError("CONFLICT", undefined, { message });
}
