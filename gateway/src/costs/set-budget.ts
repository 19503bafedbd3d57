import { sql } from "kysely";
import { TollgateError } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import { usdText } from "../lib/money.ts";
import type { Tx } from "../store/tables.ts";
import type { Noted } from "../telemetry/change.ts";
import { type BudgetPeriod, type BudgetScope, periodStart } from "./budgets.ts";

/** What is sent is set, the rest stays as it is. */
export type BudgetPatch = {
  /** Null removes the budget. */
  readonly allocatedPico?: Pico | null | undefined;
  /** `none` when a budget begins without one. */
  readonly period?: BudgetPeriod | undefined;
};

export type BudgetOwner = { readonly scope: BudgetScope; readonly scopeId: string };

/** The channel on which a changed budget is announced; what waits for money looks again. */
export const BUDGETS_CHANNEL = "budgets";

/**
 * Sets, changes or removes the one budget of something. A budget that gets another period begins anew: nothing of it is
 * spent. Whoever calls this holds the budget's owner locked. Throws VALIDATION_FAILED for a period of no budget.
 */
export async function changeBudget(
  tx: Tx,
  note: (event: Noted) => void,
  { scope, scopeId }: BudgetOwner,
  patch: BudgetPatch,
  now: number,
): Promise<void> {
  const { allocatedPico, period } = patch;
  if (allocatedPico === undefined && period === undefined) return;
  const own = tx.selectFrom("budgets").where("scope", "=", scope).where("scope_id", "=", scopeId);
  // All of them in the order of their ids, as whoever opens a period or settles a call takes them.
  const row = (await own.selectAll().orderBy("id").forUpdate().execute()).at(-1);
  const before = row && { allocatedPico: BigInt(row.allocated_pico), period: row.period };
  const after = allocatedPico === null ? undefined : merged(before, patch);
  if (before?.allocatedPico === after?.allocatedPico && before?.period === after?.period) return;

  await tx
    .deleteFrom("budgets")
    .where("scope", "=", scope)
    .where("scope_id", "=", scopeId)
    .$if(after !== undefined, (query) => query.where("period", "<>", after!.period))
    .execute();
  if (after !== undefined) {
    await tx
      .insertInto("budgets")
      .values({
        scope,
        scope_id: scopeId,
        period: after.period,
        period_start: after.period === "none" ? null : periodStart(after.period, now),
        allocated_pico: after.allocatedPico.toString(),
        created_at: new Date(now),
      })
      .onConflict((conflict) =>
        conflict
          .columns(["scope", "scope_id", "period", "period_start"])
          .doUpdateSet({ allocated_pico: after.allocatedPico.toString() }),
      )
      .execute();
  }
  await sql`select pg_notify(${BUDGETS_CHANNEL}, '')`.execute(tx);
  note({
    action: "budget.change",
    target: { type: scope, id: scopeId },
    changes: {
      allocated_usd: [shown(before), shown(after)],
      period: [before?.period ?? null, after?.period ?? null],
    },
  });
}

type Terms = { readonly allocatedPico: Pico; readonly period: BudgetPeriod };

function merged(before: Terms | undefined, { allocatedPico, period }: BudgetPatch): Terms {
  const allocated = allocatedPico ?? before?.allocatedPico;
  if (allocated === undefined) {
    const fault = { path: "budget_period", message: "needs a budget: send budget_allocated too" };
    throw new TollgateError("VALIDATION_FAILED", { faults: [fault] });
  }
  return { allocatedPico: allocated, period: period ?? before?.period ?? "none" };
}

function shown(terms: Terms | undefined): string | null {
  return terms === undefined ? null : usdText(terms.allocatedPico);
}
