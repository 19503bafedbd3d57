import { type RawBuilder, sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Announce } from "../telemetry/notifier.outbox.ts";
import { BUDGET_EXCEEDED } from "./enqueue.ts";
import { type Claimed, tell } from "./job.ts";
import type { JobStatus, Outcome } from "./states.ts";

/** How an attempt ends, and what that makes of its job. A job whose cancel was requested is cancelled by all but the first. */
export type Ending =
  /** `result` is JSON text. */
  | { readonly status: "completed"; readonly result: string }
  | {
      readonly status: "retrying";
      readonly outcome: "failed" | "lost" | "deferred";
      readonly delayMs: number;
      readonly retryCount: number;
      readonly error: AttemptError;
    }
  | {
      readonly status: "dead_letter";
      readonly outcome: "failed" | "lost";
      readonly failureReason: string;
      readonly error: AttemptError;
    }
  | { readonly status: "blocked"; readonly neededPico: Pico; readonly error: AttemptError }
  | { readonly status: "cancelled" }
  /** Given back by a worker that stops: another begins it anew at once, and no retry is used up. */
  | { readonly status: "pending" };

export type AttemptError = { readonly code: string; readonly message: string };

/** Which attempt, and whose: the token is the claimer's. */
export type Attempt = Pick<Claimed, "id" | "projectId" | "type" | "token">;

export type EndDeps = { readonly db: Db; readonly announce: Announce };

/**
 * Ends an attempt in one statement, if it is still that of the token; people hear of dead jobs, and of those that were
 * not blocked before and are now, if it commits. Answers what the job is now; undefined: the lease was lost, somebody else has ended the attempt, and nothing
 * is left to do.
 * @param onlyIfLost For who is not the claimer: only if the lease has ended by now.
 */
export async function endAttempt(
  { db, announce }: EndDeps,
  attempt: Attempt,
  ending: Ending,
  { onlyIfLost = false } = {},
): Promise<JobStatus | undefined> {
  if (ending.status !== "dead_letter" && ending.status !== "blocked")
    return (await write(db, attempt, ending, onlyIfLost))?.status;
  return db.transaction().execute(async (tx) => {
    const written = await write(tx, attempt, ending, onlyIfLost);
    if (written?.status === "dead_letter") await announce(tx, "job.dead", eventData(attempt, ending));
    if (written?.status === "blocked" && !written.wasBlocked)
      await announce(tx, "job.blocked", eventData(attempt, ending));
    return written?.status;
  });
}

function eventData({ id, projectId, type }: Attempt, ending: Extract<Ending, { error: AttemptError }>) {
  const failure_reason = ending.status === "dead_letter" ? ending.failureReason : BUDGET_EXCEEDED;
  const last_error = textOf(ending.error);
  return { job_id: id, project_id: projectId, type, failure_reason, last_error };
}

type Written = {
  readonly status: JobStatus;
  /** When this attempt was claimed it had been let go from `blocked`, where it was since its creation or its last attempt. */
  readonly wasBlocked: boolean;
};

async function write(
  db: Db | Tx,
  { id, token }: Attempt,
  ending: Ending,
  onlyIfLost: boolean,
): Promise<Written | undefined> {
  const error = "error" in ending ? ending.error : undefined;
  const { rows } = await sql<Written>`
    with ended as (
      update jobs set ${sql.join(changes(ending))},
        last_error = coalesce(${error === undefined ? null : textOf(error)}::text, last_error),
        lock_token = null, locked_by = null, lease_until = null
      where id = ${id} and lock_token = ${token}::uuid and status = 'running'
        and (lease_until < now() or not ${onlyIfLost}::boolean)
      returning id, attempt, status, attempt = 1 and run_at > created_at as "wasMadeBlocked"
    ),
    closed as (
      update job_attempts set ended_at = now(),
        outcome = case ended.status when 'cancelled' then 'cancelled' else ${outcomeOf(ending)}::text end,
        error_code = ${error?.code ?? null}::text, error = ${error === undefined ? null : stored(error.message)}::text,
        cost_pico = case when ${neverReserved(ending)}::boolean then coalesce(cost_pico, 0) else cost_pico end
      from ended where job_id = ended.id and job_attempts.attempt = ended.attempt
    ),
    told as (select ${tell("work")} from ended where status = 'pending')
    select ended.status, "wasMadeBlocked" or exists (
      select from job_attempts as earlier
      where earlier.job_id = ended.id and earlier.attempt = ended.attempt - 1 and earlier.outcome = 'blocked'
    ) as "wasBlocked"
    from ended left join told on true`.execute(db);
  return rows[0];
}

/** Nothing will be on the ledger: a budget did not hold it, or no provider could be asked. */
function neverReserved(ending: Ending): boolean {
  if (ending.status === "blocked") return true;
  return ending.status === "retrying" && ending.error.code === "PROVIDER_UNAVAILABLE";
}

function outcomeOf(ending: Ending): Outcome {
  if ("outcome" in ending) return ending.outcome;
  return ending.status === "pending" ? "given_back" : ending.status;
}

/** SQL: what becomes of the job's columns. */
function changes(ending: Ending): readonly RawBuilder<unknown>[] {
  if (ending.status === "completed") {
    const result = sql`result = ${ending.result}::json`;
    return [sql`status = 'completed'`, result, sql`completed_at = now()`, sql`failure_reason = null`];
  }
  const status = sql`case when cancel_requested_at is null then ${ending.status}::text else 'cancelled' end`;
  const isOver = ending.status === "dead_letter" || ending.status === "cancelled";
  const over = isOver ? sql`now()` : sql`case when cancel_requested_at is not null then now() end`;
  return [sql`status = ${status}`, sql`completed_at = ${over}`, ...ownChanges(ending)];
}

function ownChanges(ending: Exclude<Ending, { status: "completed" }>): readonly RawBuilder<unknown>[] {
  switch (ending.status) {
    case "retrying":
      return [
        sql`retry_count = ${ending.retryCount}::integer`,
        sql`next_retry_at = case when cancel_requested_at is null
          then now() + ${ending.delayMs}::float8 * interval '1 millisecond' end`,
      ];
    case "dead_letter":
      return [reason(ending.failureReason)];
    case "blocked":
      // It has not begun (B2).
      return [
        reason(BUDGET_EXCEEDED),
        sql`needed_pico = ${ending.neededPico.toString()}::numeric`,
        sql`started_at = null`,
      ];
    default:
      return [];
  }
}

function reason(text: string) {
  return sql`failure_reason = case when cancel_requested_at is null then ${text}::text end`;
}

function textOf({ code, message }: AttemptError): string {
  return stored(`${code}: ${message}`);
}

const LONGEST_TEXT = 2_000;

/** PostgreSQL takes no NUL in a text. */
function stored(text: string): string {
  return text.slice(0, LONGEST_TEXT).toWellFormed().replaceAll("\0", "\u{FFFD}");
}
