import type { Selectable } from "kysely";
import type { BudgetsTable } from "../store/tables.costs.ts";
import type { Db } from "../store/tables.ts";
import { type Budget, type BudgetScope, type BudgetStatus, budgetStatus, periodEnd } from "./budgets.ts";

/** A budget in its period of now. One whose next period no call has begun yet is shown as if one had. */
export type CurrentBudget = Budget & {
  readonly scope: BudgetScope;
  readonly standing: BudgetStatus;
  /** When its next period begins, milliseconds since the epoch; undefined: it has no period. */
  readonly resetAtMs: number | undefined;
};

/** The one budget of something. */
export async function findBudget(
  db: Db,
  { scope, scopeId }: { readonly scope: BudgetScope; readonly scopeId: string },
  now: number,
): Promise<CurrentBudget | undefined> {
  const row = await db
    .selectFrom("budgets")
    .selectAll()
    .where("scope", "=", scope)
    .where("scope_id", "=", scopeId)
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : currentOf(row, now);
}

/** The budgets with these ids, ascending. */
export async function budgetsById(
  db: Db,
  ids: readonly number[],
  now: number,
): Promise<readonly CurrentBudget[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom("budgets").selectAll().where("id", "in", ids).orderBy("id").execute();
  return rows.map((row) => currentOf(row, now));
}

function currentOf(row: Selectable<BudgetsTable>, now: number): CurrentBudget {
  const { id, scope, scope_id: scopeId, period } = row;
  const resetAtMs = period === "none" ? undefined : periodEnd(period, now).getTime();
  const isOver = period !== "none" && periodEnd(period, row.period_start!.getTime()).getTime() <= now;
  const allocatedPico = BigInt(row.allocated_pico);
  const spentPico = isOver ? 0n : BigInt(row.spent_pico);
  const reservedPico = isOver ? 0n : BigInt(row.reserved_pico);
  const standing = budgetStatus(spentPico, reservedPico, allocatedPico);
  return { id, scope, scopeId, period, allocatedPico, spentPico, reservedPico, standing, resetAtMs };
}
