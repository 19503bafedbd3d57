import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import type { ReservedCall } from "./ledger.ts";

/** At least `needPico`, at most `wantPico`, on top of what a call has reserved. */
export type More = { readonly needPico: Pico; readonly wantPico: Pico };

/**
 * Adds to a reservation, out of all its budgets alike. Durable when it resolves. Undefined, and nothing done: they do
 * not hold it, or the reservation is over.
 */
export type TopUp = (call: ReservedCall, more: More) => Promise<Pico | undefined>;

export function topUps(db: Db): TopUp {
  return async ({ id, budgetIds }, { needPico, wantPico }) => {
    const need = needPico > 0n ? needPico : 0n;
    const { rows } = await sql<{ pico: string }>`
      with room as materialized (
        select id, allocated_pico - spent_pico - reserved_pico as pico from budgets
        where id = any(${budgetIds}::bigint[]) order by id for update
      ),
      granted as (
        select least(${String(wantPico)}::numeric, min(pico)) as pico from room
        having count(*) = ${budgetIds.length}::int
      ),
      held as (
        update reservations set amount_pico = amount_pico + granted.pico
        from granted
        where reservations.id = ${id}::uuid and granted.pico >= ${String(need)}::numeric and granted.pico > 0
        returning granted.pico
      ),
      moved as (
        update budgets set reserved_pico = reserved_pico + held.pico from held
        where budgets.id = any(${budgetIds}::bigint[])
      )
      select pico from held`.execute(db);
    return rows[0] === undefined ? undefined : BigInt(rows[0].pico);
  };
}
