import { z } from "zod";
import type { CostedJob } from "../jobs/costs.ts";
import type { JobAttempt } from "../jobs/read.ts";
import { jobStatuses } from "../jobs/states.ts";
import { isoTime } from "../lib/clock.ts";
import { csv } from "../lib/csv.ts";
import { type Pico, usdNumber, usdText } from "../lib/money.ts";

/** A job as HTTP and the command line show it. */
export const jobAnswer = z
  .object({
    id: z.int(),
    project_id: z.int(),
    type: z.string(),
    status: z.enum(jobStatuses),
    payload: z.record(z.string(), z.unknown()),
    result: z.unknown(),
    retry_count: z.int(),
    max_retries: z.int(),
    failure_reason: z.string().nullable(),
    last_error: z.string().nullable(),
    next_retry_at: z.string().nullable(),
    estimated_cost: z.number(),
    estimated_cost_usd: z.string(),
    actual_cost: z.number(),
    actual_cost_usd: z.string(),
    tokens_used_input: z.int(),
    tokens_used_output: z.int(),
    tokens_used_total: z.int(),
    created_at: z.string(),
    started_at: z.string().nullable(),
    completed_at: z.string().nullable(),
    /** Seconds from the begin of the last attempt to the end. */
    actual_duration: z.number().nullable(),
  })
  .meta({ id: "Job" });

export type JobJson = z.infer<typeof jobAnswer>;

export function jobJson(job: CostedJob): JobJson {
  const { startedAt, completedAt } = job;
  const isTimed = startedAt !== null && completedAt !== null;
  return {
    id: job.id,
    project_id: job.projectId,
    type: job.type,
    status: job.status,
    payload: job.payload,
    result: job.result,
    retry_count: job.retryCount,
    max_retries: job.maxRetries,
    failure_reason: job.failureReason,
    last_error: job.lastError,
    next_retry_at: timeOf(job.nextRetryAt),
    ...money("estimated_cost", job.estimatedPico),
    ...money("actual_cost", job.actualPico),
    tokens_used_input: job.tokensInput,
    tokens_used_output: job.tokensOutput,
    tokens_used_total: job.tokensTotal,
    created_at: isoTime(job.createdAt.getTime()),
    started_at: timeOf(startedAt),
    completed_at: timeOf(completedAt),
    actual_duration: isTimed ? (completedAt.getTime() - startedAt.getTime()) / 1000 : null,
  };
}

export const jobCostsAnswer = z
  .object({
    job_id: z.int(),
    ...jobAnswer.pick({
      status: true,
      estimated_cost: true,
      estimated_cost_usd: true,
      actual_cost: true,
      actual_cost_usd: true,
      tokens_used_input: true,
      tokens_used_output: true,
      tokens_used_total: true,
    }).shape,
    attempts: z.array(
      z.object({
        attempt: z.int(),
        /** Of its AI call on the ledger. */
        call_id: z.string(),
        started_at: z.string(),
        ended_at: z.string().nullable(),
        outcome: z.string().nullable(),
        error_code: z.string().nullable(),
        error: z.string().nullable(),
        tokens_used_input: z.int().nullable(),
        tokens_used_output: z.int().nullable(),
        /** Null: not on the ledger, or not yet. */
        cost: z.number().nullable(),
        cost_usd: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: "JobCosts" });

export type JobCostsJson = z.infer<typeof jobCostsAnswer>;

export function jobCostsJson(job: CostedJob, attempts: readonly JobAttempt[]): JobCostsJson {
  return {
    job_id: job.id,
    status: job.status,
    ...money("estimated_cost", job.estimatedPico),
    ...money("actual_cost", job.actualPico),
    tokens_used_input: job.tokensInput,
    tokens_used_output: job.tokensOutput,
    tokens_used_total: job.tokensTotal,
    attempts: attempts.map((one) => ({
      attempt: one.attempt,
      call_id: one.callId,
      started_at: isoTime(one.startedAt.getTime()),
      ended_at: timeOf(one.endedAt),
      outcome: one.outcome,
      error_code: one.errorCode,
      error: one.error,
      tokens_used_input: one.tokensInput,
      tokens_used_output: one.tokensOutput,
      cost: one.costPico === null ? null : usdNumber(one.costPico),
      cost_usd: one.costPico === null ? null : usdText(one.costPico),
    })),
  };
}

const CSV_COLUMNS = [
  ...["attempt", "call_id", "started_at", "ended_at", "outcome", "error_code", "error"],
  ...["tokens_used_input", "tokens_used_output", "cost_usd"],
];

/** The attempts as a table. */
export function jobCostsCsv({ attempts }: JobCostsJson): string {
  const rows = attempts.map((one) => [
    ...[one.attempt, one.call_id, one.started_at, one.ended_at ?? "", one.outcome ?? ""],
    ...[one.error_code ?? "", one.error ?? "", one.tokens_used_input ?? "", one.tokens_used_output ?? ""],
    one.cost_usd ?? "",
  ]);
  return csv(CSV_COLUMNS, rows);
}

type Money<N extends string> = { [K in N]: number } & { [K in `${N}_usd`]: string };

function money<const N extends string>(name: N, pico: Pico): Money<N> {
  return { [name]: usdNumber(pico), [`${name}_usd`]: usdText(pico) } as Money<N>;
}

function timeOf(date: Date | null): string | null {
  return date === null ? null : isoTime(date.getTime());
}
