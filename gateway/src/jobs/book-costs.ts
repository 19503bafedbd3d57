import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";

/** What an attempt that has just been made has cost, if the ledger knows. */
export async function bookCost(db: Db, callId: string): Promise<void> {
  await book(db, sql`attempt.call_id = ${callId}::uuid`, sql`for update`);
}

/**
 * The same for attempts whose worker did not come to it. A call that is not on the ledger a day after its attempt was
 * none.
 */
export async function bookLateCosts(db: Db): Promise<void> {
  await book(db, sql`attempt.ended_at is not null`, sql`for update skip locked`);
}

const MOST_AT_ONCE = 100;

/** Copies from the ledger, once: the attempt's cost is null until then. The ledger may forget; jobs do not. */
async function book(db: Db, which: RawBuilder<unknown>, lock: RawBuilder<unknown>): Promise<void> {
  await sql`
    with found as materialized (
      select attempt.job_id, attempt.attempt, run.cost_pico, run.input_tokens, run.output_tokens
      from job_attempts as attempt
      left join prompt_runs as run on run.id = attempt.call_id
        and run.day between (attempt.started_at at time zone 'UTC')::date - 1
          and (attempt.started_at at time zone 'UTC')::date + 1
      where attempt.cost_pico is null and ${which}
        and (run.id is not null or attempt.ended_at < now() - interval '1 day')
      order by attempt.job_id limit ${MOST_AT_ONCE}::integer
    ),
    held as materialized (
      select id from jobs where id in (select job_id from found) order by id ${lock}
    ),
    booked as (
      update job_attempts as attempt set cost_pico = coalesce(found.cost_pico, 0),
        tokens_used_input = found.input_tokens, tokens_used_output = found.output_tokens
      from found join held on held.id = found.job_id
      where attempt.job_id = found.job_id and attempt.attempt = found.attempt and attempt.cost_pico is null
      returning attempt.job_id, attempt.cost_pico, attempt.tokens_used_input, attempt.tokens_used_output
    ),
    sums as (
      select job_id, sum(cost_pico) as cost_pico, coalesce(sum(tokens_used_input), 0)::bigint as input,
        coalesce(sum(tokens_used_output), 0)::bigint as output
      from booked group by job_id
    )
    update jobs set actual_cost_pico = actual_cost_pico + sums.cost_pico,
      tokens_used_input = tokens_used_input + sums.input, tokens_used_output = tokens_used_output + sums.output
    from sums where jobs.id = sums.job_id`.execute(db);
}
