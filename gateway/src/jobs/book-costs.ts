import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";

/** What an attempt that has just been made has cost, if the ledger knows. */
export async function bookCost(db: Db, callId: string): Promise<void> {
  await book(db, sql`select * from job_attempts where call_id = ${callId}::uuid`, sql`for update`);
}

/** An attempt: everything up to it has been looked at. */
export type BookedUpTo = readonly [jobId: number, attempt: number];

const MOST_AT_ONCE = 1_000;

/**
 * The same for attempts whose worker did not come to it, so many behind a place. A call that is not on the ledger a day
 * after its attempt was none. Answers where to go on; [0, 0]: from the beginning.
 */
export async function bookLateCosts(
  db: Db,
  [jobId, attempt]: BookedUpTo,
  most = MOST_AT_ONCE,
): Promise<BookedUpTo> {
  const page = sql`
    select * from job_attempts
    where cost_pico is null and ended_at is not null
      and (job_id, attempt) > (${jobId}::bigint, ${attempt}::integer)
    order by job_id, attempt limit ${most}::integer`;
  const { rows } = await sql<{ job_id: number; attempt: number }>`
    select job_id, attempt from (${page}) as page order by job_id desc, attempt desc limit 1`.execute(db);
  if (rows[0] === undefined) return [0, 0];
  await book(db, page, sql`for update skip locked`);
  return [rows[0].job_id, rows[0].attempt];
}

/** Copies from the ledger, once: the attempt's cost is null until then. The ledger may forget; jobs do not. */
async function book(db: Db, attempts: RawBuilder<unknown>, lock: RawBuilder<unknown>): Promise<void> {
  await sql`
    with found as materialized (
      select attempt.job_id, attempt.attempt, run.cost_pico, run.input_tokens, run.output_tokens
      from (${attempts}) as attempt
      left join prompt_runs as run on run.id = attempt.call_id
        and run.day between (attempt.started_at at time zone 'UTC')::date - 1
          and (attempt.started_at at time zone 'UTC')::date + 1
      where attempt.cost_pico is null
        and (run.id is not null or attempt.ended_at < now() - interval '1 day')
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
