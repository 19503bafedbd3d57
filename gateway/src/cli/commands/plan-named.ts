import { DEFAULT_PLAN } from "../../limits/plan.ts";
import { type ListedPlan, listPlans } from "../../limits/plans.ts";
import { type CommandDeps, UsageError } from "../command.ts";

type PlanDeps = Pick<CommandDeps, "db" | "filePlans">;

/** The plan of this name. Throws UsageError, which names those that there are. */
export async function planNamed({ db, filePlans }: PlanDeps, name: string): Promise<ListedPlan> {
  const plans = await listPlans(db, filePlans);
  const found = plans.find((each) => each.name === name);
  if (found !== undefined) return found;
  const others = plans.map((each) => each.name).join(", ");
  throw new UsageError(`there is no plan ${name}${others === "" ? "" : `; there are: ${others}`}`);
}

/** Throws UsageError for a plan that nobody can have; the default one is always there. */
export async function requirePlan(deps: PlanDeps, name: string | null | undefined): Promise<void> {
  if (name != null && name !== DEFAULT_PLAN) await planNamed(deps, name);
}
