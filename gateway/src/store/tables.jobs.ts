import type { Generated } from "kysely";
import type { Json, Nullable, PicoText } from "./tables.columns.ts";

/** The tables that `jobs/` writes. */
export type JobsTables = {
  jobs: JobsTable;
  job_attempts: JobAttemptsTable;
};

export type JobsTable = {
  id: Generated<number>;
  project_id: number;
  user_id: string;
  key_id: Nullable<number>;
  type: string;
  payload: Json<Readonly<Record<string, unknown>>>;
  result: Nullable<Json<unknown>>;
  status: "pending" | "running" | "completed" | "retrying" | "dead_letter" | "blocked" | "cancelled";
  priority: Generated<number>;
  idempotency_key: Nullable<string>;
  body_hash: Uint8Array;
  correlation_id: string;
  retry_count: Generated<number>;
  max_retries: number;
  failure_reason: Nullable<string>;
  last_error: Nullable<string>;
  run_at: Generated<Date>;
  next_retry_at: Nullable<Date>;
  attempt: Generated<number>;
  lock_token: Nullable<string>;
  locked_by: Nullable<string>;
  lease_until: Nullable<Date>;
  cancel_requested_at: Nullable<Date>;
  estimated_cost_pico: PicoText;
  needed_pico: PicoText;
  created_at: Generated<Date>;
  started_at: Nullable<Date>;
  completed_at: Nullable<Date>;
};

export type JobAttemptsTable = {
  job_id: number;
  attempt: number;
  call_id: string;
  worker: string;
  started_at: Date;
  ended_at: Nullable<Date>;
  outcome: Nullable<"completed" | "failed" | "deferred" | "blocked" | "cancelled" | "lost" | "given_back">;
  error_code: Nullable<string>;
  error: Nullable<string>;
  /** What the ledger said of its call when it closed that day; null until then, or if it said nothing. */
  tokens_used_input: Nullable<number>;
  tokens_used_output: Nullable<number>;
  cost_pico: Nullable<PicoText>;
};
