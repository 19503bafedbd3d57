import { sql } from "kysely";
import type { Tx } from "../store/tables.ts";

/** A budget row that differs. Amounts in pico-USD, decimal digits. */
export type BudgetDrift = {
  readonly id: number;
  readonly scope: string;
  readonly scopeId: string;
  readonly spent: Amounts;
  readonly reserved: Amounts;
};

export type Amounts = { readonly expected: string; readonly found: string };

/** Whether `compareBudgets` compares what any budget has spent: who reads all calls for nothing reads long. */
export async function isAnySpentKnown(tx: Tx, sinceDay: string | undefined): Promise<boolean> {
  if (sinceDay === undefined) return true;
  const { rows } = await sql`
    select from budgets where created_at >= ${sinceDay}::date + 1 limit 1`.execute(tx);
  return rows.length > 0;
}

/** Adds to `spent` (budget → pico-USD) what calls of the day cost, adjustments included. */
export async function addSpentOn(tx: Tx, day: string, spent: Map<number, bigint>): Promise<void> {
  const { rows } = await sql<BudgetSum>`
    with charge as (
      select budget_ids, cost_pico as pico from prompt_runs where day = ${day}::date
      union all
      select run.budget_ids, adjustment.delta_pico
      from ledger_adjustments as adjustment join prompt_runs as run on run.id = adjustment.call_id
      where adjustment.day = ${day}::date and run.day = ${day}::date
    )
    select budget_id as id, sum(pico) as pico from charge cross join unnest(budget_ids) as budget_id
    group by budget_id`.execute(tx);
  addEach(rows, spent);
}

/** Adds to `spent` what is carried of closed days. */
export async function addCarried(
  tx: Tx,
  sinceDay: string | undefined,
  spent: Map<number, bigint>,
): Promise<void> {
  const { rows } = await sql<BudgetSum>`
    select budget_id as id, sum(spent_pico) as pico from closed_budget_spending
    where ${sinceDay === undefined ? sql`true` : sql`day >= ${sinceDay}::date`}
    group by budget_id`.execute(tx);
  addEach(rows, spent);
}

type BudgetSum = { id: number; pico: string };

function addEach(sums: readonly BudgetSum[], spent: Map<number, bigint>): void {
  for (const { id, pico } of sums) spent.set(id, (spent.get(id) ?? 0n) + BigInt(pico));
}

type Row = {
  id: number;
  scope: string;
  scope_id: string;
  spent_pico: string;
  reserved_pico: string;
  held_pico: string;
  is_known: boolean;
};

/**
 * Compares every budget's reserved with the reservations, and its spent with `spent`. A budget that existed on
 * `sinceDay` may have been spent before it: of that one, only what is reserved is known.
 */
export async function compareBudgets(
  tx: Tx,
  spent: ReadonlyMap<number, bigint>,
  sinceDay: string | undefined,
): Promise<{ readonly checked: number; readonly drift: readonly BudgetDrift[] }> {
  const { rows } = await sql<Row>`
    with held as (
      select budget_id, sum(amount_pico) as pico
      from reservations cross join unnest(budget_ids) as budget_id group by budget_id
    )
    select id, scope, scope_id, spent_pico, reserved_pico, coalesce(held.pico, 0) as held_pico,
      coalesce(created_at >= ${sinceDay ?? null}::date + 1, ${sinceDay === undefined}::boolean) as is_known
    from budgets left join held on held.budget_id = budgets.id
    where ${sinceDay === undefined}::boolean or created_at >= ${sinceDay ?? null}::date + 1
      or reserved_pico <> coalesce(held.pico, 0)
    order by id`.execute(tx);
  const compared = rows.map((row) => {
    const expected = row.is_known ? (spent.get(row.id) ?? 0n).toString() : row.spent_pico;
    return {
      id: row.id,
      scope: row.scope,
      scopeId: row.scope_id,
      spent: { expected, found: row.spent_pico },
      reserved: { expected: row.held_pico, found: row.reserved_pico },
    };
  });
  const drift = compared.filter(
    ({ spent: s, reserved: r }) => s.expected !== s.found || r.expected !== r.found,
  );
  const { count } = await tx
    .selectFrom("budgets")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return { checked: Number(count), drift };
}
