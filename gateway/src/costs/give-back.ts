import { sql } from "kysely";
import { utcDay } from "../lib/clock.ts";
import { timeOfUuidv7 } from "../lib/ids.ts";
import type { Db } from "../store/tables.ts";
import { booking } from "./booking.ts";

/**
 * For reservations whose making failed towards us: nobody holds them and nothing was spent. If they exist after all they
 * end, and one that was charged because it ran out meanwhile leaves the ledger again.
 */
export async function giveBack(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const days = [...new Set(ids.map((id) => utcDay(timeOfUuidv7(id))))];
  await sql`
    with charged as materialized (
      select id, budget_ids from prompt_runs
      where day = any(${days}::date[]) and id = any(${ids}::uuid[]) and usage_source = 'reserved'
    ),
    lost as materialized (
      select id, budget_ids from reservations where id = any(${ids}::uuid[]) union all select * from charged
    ),
    locked as (
      select id from budgets where id in (select unnest(budget_ids) from lost) order by id for update
    ),
    ended as (
      delete from reservations where id in (select id from lost) and (select count(*) from locked) >= 0
      returning budget_ids, amount_pico
    ),
    undone as (
      delete from prompt_runs
      where day = any(${days}::date[]) and id in (select id from charged) and usage_source = 'reserved'
        and (select count(*) from ended) >= 0
      returning *
    ),
    booked as (select -1 as sign, * from undone),
    ${booking}
    select count(*) from ended`.execute(db);
}
