import { z } from "zod";
import { findProject } from "../../access/projects.ts";
import { findTeam } from "../../access/teams.ts";
import { type BudgetPlace, budgetAt, setBudget } from "../../calls/budget-owners.ts";
import { type BudgetJson, budgetJson, budgetPeriod } from "../../http/budget-json.ts";
import { plainText, usdAmount } from "../../http/fields.ts";
import { type CommandDeps, dataCommand, UsageError } from "../command.ts";
import { amount, state, type Table, table } from "../table.ts";
import { keyNamed } from "./keys.named.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

const scopes = ["project", "team", "user", "key"] as const;
const placeFields = { scope: z.enum(scopes), id: plainText };
const placeArguments = [["scope", scopes], "id"] as const;

const show = dataCommand({
  name: "budgets show",
  about: "Show the budget of a project, team, user or key (by its prefix).",
  arguments: placeArguments,
  input: z.strictObject(placeFields),
  run: (deps, named) =>
    at(deps, named, async (place) => budgetJson(await budgetAt(deps, deps.by.caller, place))),
  show: shown,
});

const set = dataCommand({
  name: "budgets set",
  about: "Set the budget of a project, team, user or key; another period begins it anew.",
  arguments: placeArguments,
  options: [
    ["--allocated <usd>", "what may be spent, in all or per period"],
    ["--period <period>", "when it begins anew (default: none)", budgetPeriod.options],
  ],
  input: z.strictObject({ ...placeFields, allocated: usdAmount, period: budgetPeriod.default("none") }),
  run: (deps, { allocated: allocatedPico, period, ...named }) =>
    at(deps, named, async (place) =>
      budgetJson((await setBudget(deps, deps.by, place, { allocatedPico, period }))!),
    ),
  show: shown,
});

const remove = dataCommand({
  name: "budgets remove",
  about: "Remove the budget of a project, team, user or key.",
  arguments: placeArguments,
  input: z.strictObject(placeFields),
  run: (deps, named) =>
    at(deps, named, async (place) => {
      await setBudget(deps, deps.by, place, { allocatedPico: null });
      return { ...named, removed: true };
    }),
  show: ({ scope, id }) => ({ text: "", note: `The ${scope} ${id} has no budget.` }),
});

async function at<T>(
  deps: CommandDeps,
  named: BudgetPlace,
  work: (place: BudgetPlace) => Promise<T>,
): Promise<T> {
  const place = await placeOf(deps, named);
  return orUsage(`the ${named.scope} ${named.id} has no budget`, () => work(place));
}

/** People name users by their addresses, and keys by their prefixes. */
async function placeOf(deps: CommandDeps, { scope, id }: BudgetPlace): Promise<BudgetPlace> {
  if (scope === "user") return { scope, id: (await userNamed(deps, id)).id };
  if (scope === "key") return { scope, id: String((await keyNamed(deps, id)).id) };
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new UsageError(`a ${scope} is named by its number`);
  const found = await (scope === "team" ? findTeam : findProject)(deps.db, deps.by.caller, Number(id));
  if (found === undefined) throw new UsageError(`there is no ${scope} ${id}`);
  return { scope, id };
}

function shown(budget: BudgetJson): { readonly text: Table } {
  const money = ["ALLOCATED USD", "SPENT USD", "HELD USD", "LEFT USD", "USED %"].map(amount);
  const row = [
    budget.scope,
    budget.id,
    budget.period,
    budget.allocated_usd,
    budget.actual_cost_usd,
    budget.reserved_usd,
    budget.remaining_budget_usd,
    String(budget.percentage_used),
    budget.reset_at ?? "-",
    budget.status,
  ];
  return { text: table(["SCOPE", "ID", "PERIOD", ...money, "BEGINS ANEW", state("STATUS")], [row]) };
}

export const budgetCommands = [show, set, remove];
