import { z } from "zod";
import { createProject } from "../../access/change-project.ts";
import { findProject, listProjects } from "../../access/projects.ts";
import { projectParts } from "../../calls/project-parts.ts";
import { budgetPeriod } from "../../http/budget-json.ts";
import { nameText, plainText, usdAmount } from "../../http/fields.ts";
import { type ProjectJson, projectJson, projectsJson } from "../../http/project-json.ts";
import { dataCommand, UsageError } from "../command.ts";
import { amount, prose, table } from "../table.ts";
import { rowNumber, shownFields } from "./fields.ts";
import { orUsage } from "./or-usage.ts";
import { changeCommands } from "./projects.change.ts";
import { userNamed } from "./user-named.ts";

const createInput = z
  .strictObject({
    name: nameText,
    description: plainText.max(2000).optional(),
    owner: plainText.optional(),
    team: rowNumber.optional(),
    budget: usdAmount.optional(),
    period: budgetPeriod.optional(),
  })
  .refine(({ budget, period }) => budget !== undefined || period === undefined, {
    path: ["period"],
    message: "needs a budget",
  });

const create = dataCommand({
  name: "projects create",
  about: "Make a project, with a budget and in a team if you like.",
  options: [
    ["--name <name>", "name of the project"],
    ["--description <text>", "what it is for"],
    ["--owner <user>", "its owner, by id or e-mail address (default: APP_AUTH_DEFAULT_USER)"],
    ["--team <id>", "team that it is in"],
    ["--budget <usd>", "what its calls may cost, in all or per period"],
    ["--period <period>", "when the budget begins anew (default: none)", budgetPeriod.options],
  ],
  input: createInput,
  async run(deps, { name, description, owner, team, budget, period }) {
    const { id: ownerId } = await userNamed(deps, owner);
    const project = await orUsage(`there is no team ${team}`, () =>
      createProject({ ...deps, ...projectParts(deps) }, deps.by, {
        name,
        description,
        ownerId,
        teamId: team,
        budget: { allocatedPico: budget, period },
      }),
    );
    return projectJson(deps, project);
  },
  show: ({ id, name }: ProjectJson) => ({ text: String(id), note: `Project ${id} (${name}) is made.` }),
});

const list = dataCommand({
  name: "projects list",
  about: "List projects with their budgets.",
  input: z.strictObject({}),
  async run(deps) {
    const all = await listProjects(deps.db, deps.by.caller, { after: 0, limit: 100_000 });
    return { items: await projectsJson(deps, all), next_cursor: null };
  },
  show: ({ items }: { items: readonly ProjectJson[] }) => ({
    text: table(
      ["ID", prose("NAME"), "OWNER", "TEAM", amount("BUDGET USD"), "PERIOD", amount("SPENT USD"), "ARCHIVED"],
      items.map((row) => [
        String(row.id),
        row.name,
        row.owner_id,
        String(row.team_id ?? "-"),
        row.budget_allocated_usd ?? "-",
        row.budget_period ?? "-",
        row.actual_cost_usd,
        row.archived_at ?? "-",
      ]),
    ),
  }),
});

const show = dataCommand({
  name: "projects show",
  about: "Show one project.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  async run(deps, { id }) {
    const project = await findProject(deps.db, deps.by.caller, id);
    if (project === undefined) throw new UsageError(`there is no project ${id}`);
    return projectJson(deps, project);
  },
  show: shownFields,
});

export const projectCommands = [create, list, show, ...changeCommands];
