import type { CurrentBudget } from "../costs/budgets.read.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import { usdText } from "../lib/money.ts";

/** What is told of a budget that refuses. */
export type RefusingBudget = Pick<
  CurrentBudget,
  "id" | "scope" | "scopeId" | "period" | "standing" | "resetAtMs"
>;

/** The refusal of a call that a budget does not hold. Whose it is and what remains of it hears who may see that. */
export function budgetRefusal(
  principal: Pick<Principal, "userId" | "key">,
  budget: RefusingBudget,
): TollgateError<"BUDGET_EXCEEDED"> {
  const { scope, scopeId, period, standing, resetAtMs } = budget;
  const about = {
    budget: String(budget.id),
    scope,
    period,
    ...(resetAtMs === undefined ? {} : { resetAtMs }),
  };
  if (!seesBudget(principal, budget)) return new TollgateError("BUDGET_EXCEEDED", about);
  const id = scope === "key" ? (principal.key?.prefix ?? scopeId) : scopeId;
  return new TollgateError(
    "BUDGET_EXCEEDED",
    { ...about, id, remaining_usd: usdText(standing.remainingPico) },
    {
      message: `The budget of ${scope} ${id} does not hold this call. Raise the budget or ask for less output.`,
    },
  );
}

/** Who signs in beside somebody else's key knows nothing of that one's money. */
export function seesBudget(
  { userId, key }: Pick<Principal, "userId" | "key">,
  { scope }: Pick<CurrentBudget, "scope">,
): boolean {
  return scope === "user" || key === undefined || key.ownerId === userId;
}
