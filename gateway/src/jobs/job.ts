import { type Selectable, sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { JobsTable } from "../store/tables.jobs.ts";
import type { JobStatus } from "./states.ts";

export type Payload = Readonly<Record<string, unknown>>;

/** Work that is done later, by whichever worker takes it, paid by a project. */
export type Job = {
  readonly id: number;
  readonly projectId: number;
  /** Who made it, and with which key; it is done in their name. */
  readonly userId: string;
  readonly keyId: number | undefined;
  /** An operation's name. */
  readonly type: string;
  readonly payload: Payload;
  readonly result: unknown;
  readonly status: JobStatus;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly failureReason: string | null;
  readonly lastError: string | null;
  readonly nextRetryAt: Date | null;
  readonly estimatedPico: Pico;
  /** What each of its budgets must have left before it begins. */
  readonly neededPico: Pico;
  readonly correlationId: string;
  readonly createdAt: Date;
  /** Of the last attempt. */
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
};

/** A job that a worker has, until its lease ends; nobody without the token can end the attempt. */
export type Claimed = Job & {
  readonly token: string;
  readonly attempt: number;
  readonly callId: string;
  /** How many of its last attempts in a row were put off. */
  readonly deferrals: number;
};

/** The channel on which workers hear that there is something to do. */
export const JOBS_CHANNEL = "jobs";
/** `work`: a job may be claimed. `cancel`: one that runs is to stop. */
export type Message = "work" | "cancel";

/** SQL: tells the workers when the transaction commits. */
export function tell(message: Message) {
  return sql`pg_notify(${JOBS_CHANNEL}, ${message})`;
}

export function jobOf(row: Selectable<JobsTable>): Job {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    keyId: row.key_id ?? undefined,
    type: row.type,
    payload: row.payload,
    result: row.result,
    status: row.status,
    retryCount: row.retry_count,
    maxRetries: row.max_retries,
    failureReason: row.failure_reason,
    lastError: row.last_error,
    nextRetryAt: row.next_retry_at,
    estimatedPico: BigInt(row.estimated_cost_pico),
    neededPico: BigInt(row.needed_pico),
    correlationId: row.correlation_id,
    createdAt: row.created_at,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  };
}
