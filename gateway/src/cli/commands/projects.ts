import { z } from "zod";
import { createProject, listProjects } from "../../access/projects.ts";
import { createBudget, listBudgets } from "../../costs/budgets.ts";
import { findUser } from "../../identity/users.ts";
import { picoFromUsd, usdNumber, usdText } from "../../lib/money.ts";
import { dataCommand, table, UsageError } from "../command.ts";

const createInput = z.strictObject({
  name: z.string().min(1).max(200),
  description: z.string().max(2000).optional(),
  owner: z.string().optional(),
  budget: z
    .string()
    .regex(/^\d{1,12}(\.\d{1,12})?$/, "must be an amount in USD, such as 100.00")
    .optional(),
});

type ProjectJson = {
  readonly id: number;
  readonly name: string;
  readonly owner_id: string;
  readonly budget_allocated: number | null;
  readonly budget_allocated_usd: string | null;
  readonly actual_cost_usd: string | null;
};

const create = dataCommand({
  name: "projects create",
  about: "Make a project, with a budget if you like.",
  options: [
    ["--name <name>", "name of the project"],
    ["--description <text>", "what it is for"],
    ["--owner <id>", "its owner (default: APP_AUTH_DEFAULT_USER)"],
    ["--budget <usd>", "what its calls may cost in all"],
  ],
  input: createInput,
  async run(deps, { name, description, owner, budget }) {
    const ownerId = owner ?? deps.defaultUser;
    if ((await findUser(deps.db, ownerId)) === undefined) throw new UsageError(`there is no user ${ownerId}`);
    const allocatedPico = budget === undefined ? undefined : picoFromUsd(budget);
    const project = await deps.db.transaction().execute(async (db) => {
      const made = await createProject({ ...deps, db }, { name, description: description ?? null, ownerId });
      if (allocatedPico !== undefined) {
        const scopeId = String(made.id);
        await createBudget(
          db,
          { scope: "project", scopeId, allocatedPico, period: "none" },
          deps.clock.now(),
        );
      }
      return made;
    });
    return {
      id: project.id,
      name: project.name,
      owner_id: project.ownerId,
      budget_allocated: allocatedPico === undefined ? null : usdNumber(allocatedPico),
      budget_allocated_usd: allocatedPico === undefined ? null : usdText(allocatedPico),
      actual_cost_usd: allocatedPico === undefined ? null : "0",
    } satisfies ProjectJson;
  },
  show: ({ id, name }: ProjectJson) => ({ text: String(id), note: `Project ${id} (${name}) is made.` }),
});

const list = dataCommand({
  name: "projects list",
  about: "List projects with their budgets.",
  input: z.strictObject({}),
  async run({ db }) {
    const budgets = new Map((await listBudgets(db, "project")).map((budget) => [budget.scopeId, budget]));
    const items = (await listProjects(db)).map(({ id, name, ownerId }) => {
      const budget = budgets.get(String(id));
      return {
        id,
        name,
        owner_id: ownerId,
        budget_allocated: budget === undefined ? null : usdNumber(budget.allocatedPico),
        budget_allocated_usd: budget === undefined ? null : usdText(budget.allocatedPico),
        actual_cost_usd: budget === undefined ? null : usdText(budget.spentPico),
      } satisfies ProjectJson;
    });
    return { items, next_cursor: null };
  },
  show: ({ items }: { items: readonly ProjectJson[] }) => ({
    text: table(
      ["ID", "NAME", "OWNER", "BUDGET USD", "SPENT USD"],
      items.map((row) => [
        String(row.id),
        row.name,
        row.owner_id,
        row.budget_allocated_usd ?? "-",
        row.actual_cost_usd ?? "-",
      ]),
    ),
  }),
});

export const projectCommands = [create, list];
