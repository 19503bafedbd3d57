import { z } from "zod";
import { createProject } from "../../access/change-project.ts";
import { listProjects } from "../../access/projects.ts";
import { projectParts } from "../../calls/project-parts.ts";
import { nameText, plainText, usdAmount } from "../../http/fields.ts";
import { type ProjectJson, projectJson, projectsJson } from "../../http/project-json.ts";
import { findUser } from "../../identity/users.ts";
import { dataCommand, table, UsageError } from "../command.ts";

const createInput = z.strictObject({
  name: nameText,
  description: plainText.max(2000).optional(),
  owner: plainText.optional(),
  budget: usdAmount.optional(),
});

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
    const project = await createProject({ ...deps, ...projectParts(deps) }, deps.by, {
      name,
      description,
      ownerId,
      budget: { allocatedPico: budget },
    });
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
      ["ID", "NAME", "OWNER", "TEAM", "BUDGET USD", "SPENT USD"],
      items.map((row) => [
        String(row.id),
        row.name,
        row.owner_id,
        String(row.team_id ?? "-"),
        row.budget_allocated_usd ?? "-",
        row.actual_cost_usd,
      ]),
    ),
  }),
});

export const projectCommands = [create, list];
