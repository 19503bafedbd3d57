import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import { type BudgetPeriod, periodStart } from "./budgets.ts";

/** What a project may spend and has spent. */
export type ProjectMoney = {
  readonly budget: { readonly allocatedPico: Pico; readonly period: BudgetPeriod } | undefined;
  /** What is spent of the budget in its period; without a budget, what the project's calls have cost in all. */
  readonly actualPico: Pico;
};

export async function moneyOfProjects(
  db: Db,
  ids: readonly number[],
  now: number,
): Promise<ReadonlyMap<number, ProjectMoney>> {
  const { rows } = await sql<MoneyRow>`
    select project.id, budget.period, budget.period_start, budget.allocated_pico,
      coalesce(budget.spent_pico, (select sum(cost_pico) from daily_costs where project_id = project.id), 0) as actual
    from unnest(${ids}::bigint[]) as project (id)
    left join lateral (
      select period, period_start, allocated_pico, spent_pico from budgets
      where scope = 'project' and scope_id = project.id::text
      order by id desc limit 1
    ) as budget on true`.execute(db);
  return new Map(rows.map((row) => [row.id, moneyOf(row, now)]));
}

type MoneyRow = { id: number; actual: string } & (
  | { period: BudgetPeriod; period_start: Date | null; allocated_pico: string }
  | { period: null; period_start: null; allocated_pico: null }
);

function moneyOf(row: MoneyRow, now: number): ProjectMoney {
  const actualPico = BigInt(row.actual);
  if (row.period === null) return { budget: undefined, actualPico };
  const budget = { allocatedPico: BigInt(row.allocated_pico), period: row.period };
  const isOver = row.period !== "none" && row.period_start! < periodStart(row.period, now);
  return { budget, actualPico: isOver ? 0n : actualPico };
}
