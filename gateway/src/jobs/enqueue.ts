import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import { type Payload, tell } from "./job.ts";
import { roomOf } from "./room.ts";
import type { JobStatus } from "./states.ts";

export const BUDGET_EXCEEDED = "Project budget exceeded";

export type NewJob = {
  readonly projectId: number;
  readonly userId: string;
  readonly keyId: number | undefined;
  readonly type: string;
  readonly payload: Payload;
  readonly priority: number;
  readonly maxRetries: number;
  /** The same within a project: the same job. */
  readonly idempotencyKey: string | undefined;
  /** Tells a repetition from another job under the same key. */
  readonly bodyHash: Uint8Array;
  readonly correlationId: string;
  readonly estimatedPico: Pico;
  /** What each of its budgets must have left before it begins. */
  readonly neededPico: Pico;
};

export type Enqueued = {
  readonly id: number;
  readonly status: JobStatus;
  /** False: there was one with this idempotency key; `isSame` says whether it is a repetition of it. */
  readonly created: boolean;
  readonly isSame: boolean;
};

/**
 * Makes a job, or finds that with the same idempotency key. It waits in `blocked` if a budget has too little left, else
 * in `pending`, and the workers hear of it when the transaction commits.
 */
export async function enqueue(db: Db | Tx, job: NewJob): Promise<Enqueued> {
  for (;;) {
    const found = await enqueueOnce(db, job);
    // Another transaction has made it since this statement began: only a new statement sees it.
    if (found !== undefined) return found;
  }
}

async function enqueueOnce(db: Db | Tx, job: NewJob): Promise<Enqueued | undefined> {
  const { projectId, userId, keyId = null, idempotencyKey = null, bodyHash } = job;
  const asking = {
    userId: sql`${userId}::text`,
    keyId: sql`${keyId}::bigint`,
    projectId: sql`${projectId}::bigint`,
  };
  const needed = sql`${job.neededPico.toString()}::numeric`;
  const { rows } = await sql<Enqueued>`
    with standing as materialized (
      select case when ${roomOf(asking, false)} < greatest(1, ${needed}) then 'blocked' else 'pending' end as status
    ),
    made as (
      insert into jobs (project_id, user_id, key_id, type, payload, status, failure_reason, priority, max_retries,
        idempotency_key, body_hash, correlation_id, estimated_cost_pico, needed_pico)
      select ${asking.projectId}, ${asking.userId}, ${asking.keyId}, ${job.type}::text,
        ${JSON.stringify(job.payload)}::json, status, case status when 'blocked' then ${BUDGET_EXCEEDED}::text end,
        ${job.priority}::smallint, ${job.maxRetries}::integer, ${idempotencyKey}::text, ${bodyHash}::bytea,
        ${job.correlationId}::text, ${job.estimatedPico.toString()}::numeric, ${needed}
      from standing
      on conflict (project_id, idempotency_key) where idempotency_key is not null do nothing
      returning id, status, true as created, true as "isSame"
    ),
    told as (select ${tell("work")} from made where status = 'pending')
    select made.* from made left join told on true
    union all
    select id, status, false, body_hash = ${bodyHash} from jobs
    where project_id = ${asking.projectId} and idempotency_key = ${idempotencyKey}
      and not exists (select from made)`.execute(db);
  return rows[0];
}
