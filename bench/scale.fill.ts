import { sql } from "kysely";
import { booking } from "../gateway/src/costs/booking.ts";
import { type Settlement, settledRow } from "../gateway/src/costs/ledger.ts";
import { makePartitions } from "../gateway/src/costs/partitions.ts";
import { DAY_MS, utcDay } from "../gateway/src/lib/clock.ts";
import type { Db } from "../gateway/src/store/tables.ts";
import { callBy, makePeople, people } from "./scale.people.ts";

const DAYS = 90;
/** One call in so many is charged for two things. */
const CALLS_PER_ITEMIZED = 100;

/**
 * Books that agree, with `rows` calls spread evenly over the UTC day that `now` lies in and the 89 before it. Empty but
 * for migrations when it begins.
 */
export async function fillBooks(db: Db, rows: number, now: number): Promise<void> {
  const first = Date.parse(utcDay(now)) - (DAYS - 1) * DAY_MS;
  await makePeople(db, first);
  let calls: readonly Settlement[] = [];
  for (let index = 0; index < DAYS; index++) {
    const at = first + index * DAY_MS;
    const day = utcDay(at);
    if (index % 7 === 0) await makePartitions(db, at);
    if (index === 0 || day.endsWith("-01")) calls = await callsOf(db, at);
    await fillDay(db, calls, day, share(rows, index));
  }
  await sql`vacuum analyze`.execute(db);
  await sql`checkpoint`.execute(db);
}

/** One by everybody, under the budgets of the month that `at` lies in. */
async function callsOf(db: Db, at: number): Promise<readonly Settlement[]> {
  const calls: Settlement[] = [];
  for (const person of people) calls.push(await callBy(db, person, at));
  return calls;
}

/** Of `rows`, those of one day; together exactly `rows`. */
function share(rows: number, index: number): number {
  return Math.floor(((index + 1) * rows) / DAYS) - Math.floor((index * rows) / DAYS);
}

/** Enters `count` calls like these on the day, in turns, and books them as settling does. */
async function fillDay(db: Db, calls: readonly Settlement[], day: string, count: number): Promise<void> {
  const rowsJson = JSON.stringify(calls.map((call) => settledRow(call, call.createdAtMs)));
  await sql`
    with model as materialized (
      select (ordinality - 1)::int as place, row.*
      from rows from (jsonb_populate_recordset(null::prompt_runs, ${rowsJson}::jsonb)) with ordinality as row
    ),
    call as (
      select model.*, number, ${day}::date + number * interval '1 day' / ${count}::int as at,
        200 + number % 3001 as input, 50 + number % 907 as output
      from generate_series(0, ${count}::int - 1) as number join model on place = number % ${calls.length}::int
    ),
    entered as (
      insert into prompt_runs (day, id, user_id, key_id, project_id, operation, endpoint_class, provider, model,
        input_tokens, cached_input_tokens, output_tokens, usage, usage_source, cost_pico, reserved_pico, overrun,
        budget_ids, price_source, price_id, rates, status, outcome, streamed, latency_ms, correlation_id, created_at,
        settled_at)
      select ${day}::date, ${uuidv7At}, user_id, key_id, project_id, operation, endpoint_class, provider, model,
        input, cached_input_tokens, output, usage || jsonb_build_object('input', input, 'output', output),
        usage_source, input * 1250000::bigint + output * 10000000::bigint, reserved_pico, overrun, budget_ids,
        price_source, price_id, rates, status, outcome, streamed, 500 + number % 2000, correlation_id || number, at, at
      from call
      returning *
    ),
    itemized as (
      insert into prompt_run_lines
      select day, id, line, case line when 1 then 'attempt' else 'answer' end, provider, model, service_tier, usage,
        case line when 1 then 1000000 else cost_pico - 1000000 end, price_source, price_id, rates
      from entered cross join generate_series(1, 2) as line
      where latency_ms % ${CALLS_PER_ITEMIZED}::int = 0
    ),
    booked as (select 1 as sign, * from entered),
    ended as (select id, budget_ids, reserved_pico as amount_pico from entered where false),
    ${booking}
    select count(*) from entered`.execute(db);
}

/** SQL: a UUIDv7 (RFC 9562) of the time `at`. */
const uuidv7At = sql`encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
  placing substring(int8send(floor(extract(epoch from at) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
  'hex')::uuid`;
