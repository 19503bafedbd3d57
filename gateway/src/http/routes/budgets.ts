import { z } from "zod";
import { requireLevel } from "../../access/levels.ts";
import type { Scope } from "../../access/permissions.ts";
import { findProject } from "../../access/projects.ts";
import { type BudgetChangeDeps, budgetAt, setBudget } from "../../calls/budget-owners.ts";
import { findBudget } from "../../costs/budgets.read.ts";
import type { BudgetScope } from "../../costs/budgets.ts";
import { moneyOfProjects } from "../../costs/project-money.ts";
import {
  budgetJson,
  budgetPeriod,
  budgetShape,
  projectBudgetJson,
  projectBudgetShape,
} from "../budget-json.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText, rowId, usdAmount } from "../fields.ts";

const rowParams = z.object({ id: rowId });
const anyParams = z.object({ id: plainText.max(100) });
const body = z.strictObject({ allocated: usdAmount, period: budgetPeriod.default("none") });
const read = { credential: "caller", scope: "costs:read", class: "manage" } as const;

/** Who may change the budgets of what, as far as that is a matter of scopes. */
const writers: readonly (readonly [BudgetScope, Scope])[] = [
  ["project", "projects:write"],
  ["team", "projects:write"],
  ["user", "admin:*"],
  ["key", "admin:*"],
];

export function budgetRoutes(deps: BudgetChangeDeps): readonly Endpoint[] {
  const { db, clock } = deps;
  return [
    {
      method: "GET",
      path: "/costs/projects/:id/budget",
      summary: "A project's budget: what is spent of it, and what is left.",
      access: read,
      params: rowParams,
      answer: projectBudgetShape,
      async handle({ request, visitor }) {
        const { id } = request.params as z.infer<typeof rowParams>;
        requireLevel(await findProject(db, visitor.principal, id), "viewer");
        const budget = await findBudget(db, { scope: "project", scopeId: String(id) }, clock.now());
        if (budget !== undefined) return projectBudgetJson(id, budget);
        return projectBudgetJson(id, (await moneyOfProjects(db, [id], clock.now())).get(id)!);
      },
    },
    ...writers.flatMap(([scope, writeScope]) => budgetsOf(deps, scope, writeScope)),
  ];
}

function budgetsOf(deps: BudgetChangeDeps, scope: BudgetScope, writeScope: Scope): readonly Endpoint[] {
  const path = `/budgets/${scope}/:id`;
  const params = scope === "user" ? anyParams : rowParams;
  const write = { ...read, scope: writeScope };
  const placeOf = (given: unknown) => ({ scope, id: String((given as { id: number | string }).id) });
  return [
    {
      method: "GET",
      path,
      summary: `The budget of a ${scope}.`,
      access: read,
      params,
      answer: budgetShape,
      handle: async ({ request, visitor }) =>
        budgetJson(await budgetAt(deps, visitor.principal, placeOf(request.params))),
    },
    {
      method: "PUT",
      path,
      summary: `Sets the budget of a ${scope}; another period begins it anew.`,
      access: write,
      params,
      body,
      answer: budgetShape,
      async handle({ request, visitor, cause }) {
        const { allocated, period } = request.body as z.infer<typeof body>;
        const by = { caller: visitor.principal, cause: cause() };
        const patch = { allocatedPico: allocated, period };
        return budgetJson((await setBudget(deps, by, placeOf(request.params), patch))!);
      },
    },
    {
      method: "DELETE",
      path,
      summary: `Removes the budget of a ${scope}, if it has one.`,
      access: write,
      params,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const by = { caller: visitor.principal, cause: cause() };
        await setBudget(deps, by, placeOf(request.params), { allocatedPico: null });
      },
    },
  ];
}
