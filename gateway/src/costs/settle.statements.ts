import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { booking } from "./booking.ts";

/** A settlement as it is written. */
export type Item = {
  readonly id: string;
  /** A `prompt_runs` row. */
  readonly row: { readonly day: string } & Readonly<Record<string, unknown>>;
  /** Rows of `prompt_run_lines`. */
  readonly lines: readonly unknown[];
};

/**
 * Of an item that is there twice, the first counts. One whose reservation is not there is settled by a statement of
 * its own: whoever ended the reservation may have committed after the first statement began, and only a new one sees
 * the row that it wrote.
 */
export async function settleItems(db: Db, items: readonly Item[]): Promise<void> {
  const distinct = [...new Map(items.toReversed().map((item) => [item.id, item])).values()];
  const ended = await settleBy(inTime, db, distinct);
  const late = distinct.filter(({ id }) => !ended.has(id));
  if (late.length > 0) await settleBy(replacing, db, late);
}

/** Answers which reservations ended. */
async function settleBy(
  entering: typeof inTime,
  db: Db,
  items: readonly Item[],
): Promise<ReadonlySet<string>> {
  const rowsJson = JSON.stringify(items.map(({ row }) => row));
  const linesJson = JSON.stringify(items.flatMap(({ lines }) => lines));
  const { rows } = await sql<{ id: string }>`
    with item as materialized (
      select * from jsonb_populate_recordset(null::prompt_runs, ${rowsJson}::jsonb)
    ),
    locked as (
      select id from budgets where id in (select unnest(budget_ids) from item) order by id for update
    ),
    ended as (
      delete from reservations using item
      where reservations.id = item.id and (select count(*) from locked) >= 0
      returning reservations.id, reservations.budget_ids, reservations.amount_pico
    ),
    ${entering},
    itemized as (
      insert into prompt_run_lines
      select line.* from jsonb_populate_recordset(null::prompt_run_lines, ${linesJson}::jsonb) as line
        join entered on entered.day = line.day and entered.id = line.id
    ),
    ${booking}
    select id from ended`.execute(db);
  return new Set(rows.map(({ id }) => id));
}

/** Enters what had a reservation. It opens the partitions of these days and no others. */
const inTime = sql`
  entered as (
    insert into prompt_runs select item.* from item join ended on ended.id = item.id
    on conflict (day, id) do nothing
    returning *
  ),
  booked as (select 1 as sign, * from entered)`;

/** Enters what has no row, and replaces the row of an expired call. That has no lines: nobody knew what it used. */
const replacing = sql`
  replaced as (
    delete from prompt_runs using item
    where prompt_runs.day = item.day and prompt_runs.id = item.id and prompt_runs.usage_source = 'reserved'
      and not exists (select from ended where ended.id = item.id)
    returning prompt_runs.*
  ),
  entered as (
    insert into prompt_runs select * from item where (select count(*) from replaced) >= 0
    on conflict (day, id) do nothing
    returning *
  ),
  booked as (select -1 as sign, * from replaced union all select 1, * from entered)`;
