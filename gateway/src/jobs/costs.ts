import { type RawBuilder, sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Job } from "./job.ts";

/** What the attempts of a job have used, as the ledger says it now. */
export type JobCosts = {
  readonly actualPico: Pico;
  readonly tokensInput: number;
  readonly tokensOutput: number;
  readonly tokensTotal: number;
};

export type CostedJob = Job & JobCosts;

/** Reads the ledger once for all of them, by the ids of their calls. */
export async function withCosts(db: Db | Tx, jobs: readonly Job[]): Promise<readonly CostedJob[]> {
  if (jobs.length === 0) return [];
  const { rows } = await sql<{ id: number; pico: string; input: number; output: number }>`
    select attempt.job_id as id, coalesce(sum(charge.cost_pico), 0) as pico,
      coalesce(sum(charge.input), 0)::bigint as input, coalesce(sum(charge.output), 0)::bigint as output
    from job_attempts as attempt cross join lateral (${chargeOf(sql`attempt`)}) as charge
    where attempt.job_id = any(${jobs.map(({ id }) => id)}::bigint[])
    group by attempt.job_id`.execute(db);
  const costs = new Map(rows.map((row) => [row.id, row]));
  return jobs.map((job) => {
    const { pico = "0", input = 0, output = 0 } = costs.get(job.id) ?? {};
    const tokens = { tokensInput: input, tokensOutput: output, tokensTotal: input + output };
    return { ...job, actualPico: BigInt(pico), ...tokens };
  });
}

/**
 * SQL: one row with `cost_pico`, `input` and `output` of an attempt: its ledger row with its adjustments, or what was
 * kept when the ledger closed its day. Nulls: no row says anything.
 */
export function chargeOf(attempt: RawBuilder<unknown>) {
  return sql`
    select coalesce(run.adjusted_pico, ${attempt}.cost_pico) as cost_pico,
      coalesce(run.input_tokens, ${attempt}.tokens_used_input) as input,
      coalesce(run.output_tokens, ${attempt}.tokens_used_output) as output
    from (select) as always left join lateral (
      select adjusted_pico, input_tokens, output_tokens from ledger_view
      where id = ${attempt}.call_id
        and day between (${attempt}.started_at at time zone 'UTC')::date - 1
          and (${attempt}.started_at at time zone 'UTC')::date + 1
      limit 1
    ) as run on true`;
}

/** Before the ledger forgets a day (UTC): jobs do not. */
export async function keepCosts(tx: Tx, day: string): Promise<void> {
  await sql`
    update job_attempts as attempt set cost_pico = run.adjusted_pico,
      tokens_used_input = run.input_tokens, tokens_used_output = run.output_tokens
    from ledger_view as run where run.day = ${day}::date and attempt.call_id = run.id`.execute(tx);
}
