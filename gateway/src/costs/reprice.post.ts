import { sql } from "kysely";
import { isoTime } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import type { Tx } from "../store/tables.ts";
import { booking } from "./booking.ts";
import { priceColumns } from "./ledger.ts";
import type { Price } from "./prices.ts";
import type { Charge } from "./reprice.charges.ts";

/** What a charge is less or more than it should be. */
export type Adjustment = {
  readonly charge: Charge;
  readonly price: Price;
  readonly deltaPico: Pico;
  /** The same of what is charged without a price. */
  readonly unpricedDeltaPico: Pico;
};

export type Posting = { readonly by: string; readonly reason: string; readonly atMs: number };

/** Only while `holdPast` is held. Whatever is posted waits for `bookAdjustments`, in the same transaction. */
export async function postAdjustments(
  tx: Tx,
  adjustments: readonly Adjustment[],
  { by, reason, atMs }: Posting,
): Promise<void> {
  const items = adjustments.map(({ charge, price, deltaPico, unpricedDeltaPico }) => ({
    day: charge.day,
    call_id: charge.id,
    line: charge.line,
    delta_pico: deltaPico.toString(),
    unpriced_delta_pico: unpricedDeltaPico.toString(),
    ...priceColumns(price),
  }));
  await sql`
    insert into ledger_adjustments
      (day, call_id, line, delta_pico, unpriced_delta_pico, price_source, price_id, rates, reason, posted_at, posted_by)
    select item.*, ${reason}::text, ${isoTime(atMs)}::timestamptz, ${by}::text
    from jsonb_to_recordset(${JSON.stringify(items)}::jsonb) as item
      (day date, call_id uuid, line smallint, delta_pico numeric, unpriced_delta_pico numeric, price_source text,
        price_id text, rates jsonb)`.execute(tx);
}

/** The number of the last adjustment that there is. */
export async function lastAdjustment(tx: Tx): Promise<number> {
  const { rows } = await sql<{ id: number }>`
    select coalesce(max(id), 0) as id from ledger_adjustments`.execute(tx);
  return rows[0]!.id;
}

/**
 * Moves roll-ups and budgets by every adjustment after `lastId`: each call is taken out at nothing and entered at the
 * difference, so that only money moves. Budgets are locked from here on.
 */
export async function bookAdjustments(
  tx: Tx,
  { lastId, from, to }: { readonly lastId: number; readonly from: string; readonly to: string },
): Promise<void> {
  await sql`
    with posted as materialized (
      select run.*, adjustment.delta_pico, adjustment.unpriced_delta_pico
      from ledger_adjustments as adjustment
        join prompt_runs as run on run.day = adjustment.day and run.id = adjustment.call_id
      where adjustment.id > ${lastId} and run.day between ${from}::date and ${to}::date
    ),
    locked as (
      select id from budgets where id in (select unnest(budget_ids) from posted) order by id for update
    ),
    booked as (
      select sign, day, user_id, key_id, project_id, operation, provider, model, 0 as input_tokens,
        0 as cached_input_tokens, 0 as output_tokens, share * delta_pico as cost_pico,
        share * unpriced_delta_pico as unpriced_pico, usage_source, budget_ids
      from posted cross join (values (1, 1), (-1, 0)) as side (sign, share)
      where (select count(*) from locked) >= 0
    ),
    ended as (select budget_ids, 0 as amount_pico from posted where false),
    ${booking}
    select count(*) from booked`.execute(tx);
}
