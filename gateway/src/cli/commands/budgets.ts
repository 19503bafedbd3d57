import { z } from "zod";
import { type BudgetPlace, budgetAt, setBudget } from "../../calls/budget-owners.ts";
import { type BudgetJson, budgetJson, budgetPeriod } from "../../http/budget-json.ts";
import { plainText, usdAmount } from "../../http/fields.ts";
import { findApiKey } from "../../identity/api-keys.ts";
import { TollgateError } from "../../lib/errors.ts";
import { type CommandDeps, dataCommand, table, UsageError } from "../command.ts";
import { accountOf } from "./users.ts";

const placeFields = { scope: z.enum(["project", "team", "user", "key"]), id: plainText };

const show = dataCommand({
  name: "budgets show",
  about: "Show the budget of a project, team, user or key (by its prefix).",
  arguments: ["scope", "id"],
  input: z.strictObject(placeFields),
  run: (deps, { scope, id }) =>
    at({ scope, id }, async () => {
      const place = await placeOf(deps, { scope, id });
      return budgetJson(await budgetAt(deps, deps.by.caller, place));
    }),
  show: shown,
});

const set = dataCommand({
  name: "budgets set",
  about: "Set the budget of a project, team, user or key; another period begins it anew.",
  arguments: ["scope", "id"],
  options: [
    ["--allocated <usd>", "what may be spent"],
    ["--period <period>", "none, day, week or month (default: none)"],
  ],
  input: z.strictObject({ ...placeFields, allocated: usdAmount, period: budgetPeriod.default("none") }),
  run: (deps, { scope, id, allocated, period }) =>
    at({ scope, id }, async () => {
      const place = await placeOf(deps, { scope, id });
      const patch = { allocatedPico: allocated, period };
      return budgetJson((await setBudget(deps, deps.by, place, patch))!);
    }),
  show: shown,
});

const remove = dataCommand({
  name: "budgets remove",
  about: "Remove the budget of a project, team, user or key.",
  arguments: ["scope", "id"],
  input: z.strictObject(placeFields),
  run: (deps, { scope, id }) =>
    at({ scope, id }, async () => {
      await setBudget(deps, deps.by, await placeOf(deps, { scope, id }), { allocatedPico: null });
      return { scope, id, removed: true };
    }),
  show: ({ scope, id }) => ({ text: "", note: `The ${scope} ${id} has no budget.` }),
});

/** People name users by their addresses, and keys by their prefixes. */
async function placeOf(deps: CommandDeps, { scope, id }: BudgetPlace): Promise<BudgetPlace> {
  if (scope === "user") return { scope, id: (await accountOf(deps, id)).id };
  if (scope === "key") return { scope, id: String((await findApiKey(deps, id))?.id ?? 0) };
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new UsageError(`a ${scope} is named by its number`);
  return { scope, id };
}

async function at<T>({ scope, id }: BudgetPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TollgateError && error.is("NOT_FOUND")) {
      throw new UsageError(`there is no ${scope} ${id} with a budget`);
    }
    throw error;
  }
}

function shown(budget: BudgetJson) {
  const { scope, id, period, allocated_usd, actual_cost_usd, reserved_usd, remaining_budget_usd } = budget;
  const { percentage_used, status } = budget;
  return {
    text: table(
      ["SCOPE", "ID", "PERIOD", "ALLOCATED USD", "SPENT USD", "HELD USD", "LEFT USD", "USED %", "STATUS"],
      [
        [scope, id, period, allocated_usd, actual_cost_usd, reserved_usd, remaining_budget_usd].concat([
          String(percentage_used),
          status,
        ]),
      ],
    ),
  };
}

export const budgetCommands = [show, set, remove];
