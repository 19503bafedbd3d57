import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { booking } from "./booking.ts";
import { withoutCulprits } from "./faults.ts";

const MOST_AT_ONCE = 500;

/**
 * Charges every reservation that ran out, whoever made it, at its full amount: its call may have been answered, and
 * nobody is left to say. Answers how many. A reservation whose row the database refuses stays, and is told.
 */
export async function expireReservations(db: Db, onTrouble: (error: unknown) => void): Promise<number> {
  let expired = 0;
  for (;;) {
    const { rows: due } = await sql<{ id: string }>`
      select id from reservations where expires_at <= now()
      order by expires_at limit ${MOST_AT_ONCE}::int`.execute(db);
    if (due.length === 0) return expired;
    const before = expired;
    const work = async (some: readonly { id: string }[]) => {
      expired += await expire(
        db,
        some.map(({ id }) => id),
      );
    };
    await withoutCulprits(due, work, (_culprit, error) => onTrouble(error));
    if (due.length < MOST_AT_ONCE || expired === before) return expired;
  }
}

/** Rows that are locked are being settled, extended or expired by somebody else at this moment. */
async function expire(db: Db, ids: readonly string[]): Promise<number> {
  const { rows } = await sql<{ expired: number }>`
    with candidate as materialized (select id, budget_ids from reservations where id = any(${ids}::uuid[])),
    locked as (
      select id from budgets where id in (select unnest(budget_ids) from candidate) order by id for update
    ),
    due as materialized (
      select id from reservations
      where id in (select id from candidate) and expires_at <= now() and (select count(*) from locked) >= 0
      for update skip locked
    ),
    ended as (
      delete from reservations where id in (select id from due)
      returning budget_ids, amount_pico, call
    ),
    entered as (
      insert into prompt_runs
      select entry.* from ended cross join lateral jsonb_populate_record(null::prompt_runs,
        ended.call || jsonb_build_object('usage_source', 'reserved', 'status', 599, 'outcome', 'unsettled',
          'cost_pico', amount_pico, 'reserved_pico', amount_pico, 'overrun', false, 'settled_at', now(),
          'unpriced_pico', case when ended.call ->> 'price_source' = 'default' then amount_pico end)) as entry
      on conflict (day, id) do nothing
      returning *
    ),
    booked as (select 1 as sign, * from entered),
    ${booking}
    select count(*) as expired from ended`.execute(db);
  return rows[0]!.expired;
}
