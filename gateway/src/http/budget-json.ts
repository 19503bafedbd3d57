import { z } from "zod";
import type { CurrentBudget } from "../costs/budgets.read.ts";
import type { ProjectMoney } from "../costs/project-money.ts";
import { isoTime } from "../lib/clock.ts";
import { type Pico, usdNumber, usdText } from "../lib/money.ts";

export const budgetPeriod = z.enum(["none", "day", "week", "month"]);
const budgetStatus = z.enum(["ok", "warning", "critical", "exceeded"]);

/** A budget in its period of now, as HTTP and the command line show it. */
export const budgetShape = z
  .object({
    scope: z.enum(["project", "user", "team", "key"]),
    /** Of a key: the number of the first in its chain of rotated keys, which share the budget. */
    id: z.string(),
    period: budgetPeriod,
    reset_at: z.string().nullable(),
    allocated: z.number(),
    allocated_usd: z.string(),
    actual_cost: z.number(),
    actual_cost_usd: z.string(),
    /** What calls under way hold; it lowers neither of the others. */
    reserved: z.number(),
    reserved_usd: z.string(),
    remaining_budget: z.number(),
    remaining_budget_usd: z.string(),
    percentage_used: z.number(),
    status: budgetStatus,
  })
  .meta({ id: "Budget" });

export type BudgetJson = z.infer<typeof budgetShape>;

export function budgetJson(budget: CurrentBudget): BudgetJson {
  const { scope, scopeId, period, resetAtMs, allocatedPico, spentPico, reservedPico, standing } = budget;
  return {
    scope,
    id: scopeId,
    period,
    reset_at: resetAtMs === undefined ? null : isoTime(resetAtMs),
    ...inUsd("allocated", allocatedPico),
    ...inUsd("actual_cost", spentPico),
    ...inUsd("reserved", reservedPico),
    ...inUsd("remaining_budget", standing.remainingPico),
    percentage_used: standing.percentageUsed,
    status: standing.status,
  };
}

/** A project's budget; nulls where it has none, and then `actual_cost` is what its calls have cost in all (B1). */
export const projectBudgetShape = z
  .object({
    project_id: z.int(),
    has_budget: z.boolean(),
    period: budgetPeriod.nullable(),
    reset_at: z.string().nullable(),
    budget_allocated: z.number().nullable(),
    budget_allocated_usd: z.string().nullable(),
    actual_cost: z.number(),
    actual_cost_usd: z.string(),
    reserved: z.number(),
    reserved_usd: z.string(),
    remaining_budget: z.number().nullable(),
    remaining_budget_usd: z.string().nullable(),
    percentage_used: z.number(),
    status: budgetStatus,
  })
  .meta({ id: "ProjectBudget" });

export function projectBudgetJson(
  projectId: number,
  found: CurrentBudget | ProjectMoney,
): z.infer<typeof projectBudgetShape> {
  if ("standing" in found) {
    const { scope: _, id: __, allocated, allocated_usd, ...rest } = budgetJson(found);
    const own = { budget_allocated: allocated, budget_allocated_usd: allocated_usd };
    return { project_id: projectId, has_budget: true, ...own, ...rest };
  }
  return {
    project_id: projectId,
    has_budget: false,
    period: null,
    reset_at: null,
    budget_allocated: null,
    budget_allocated_usd: null,
    ...inUsd("actual_cost", found.actualPico),
    ...inUsd("reserved", 0n),
    remaining_budget: null,
    remaining_budget_usd: null,
    percentage_used: 0,
    status: "ok",
  };
}

/** A number in USD, and its exact twin (C7). */
function inUsd<Name extends string>(name: Name, pico: Pico) {
  return { [name]: usdNumber(pico), [`${name}_usd`]: usdText(pico) } as Record<Name, number> &
    Record<`${Name}_usd`, string>;
}
