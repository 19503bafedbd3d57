import { z } from "zod";
import { deleteProject, type ProjectPatch, updateProject } from "../../access/change-project.ts";
import { projectParts } from "../../calls/project-parts.ts";
import { budgetPeriod } from "../../http/budget-json.ts";
import { nameText, plainText, usdAmount } from "../../http/fields.ts";
import { type ProjectJson, projectJson } from "../../http/project-json.ts";
import { type CommandDeps, dataCommand, UsageError } from "../command.ts";
import { orNone, rowNumber, shownFields } from "./fields.ts";
import { orUsage } from "./or-usage.ts";

const named = { id: rowNumber };

const update = dataCommand({
  name: "projects update",
  about: "Change a project; none takes description, team or budget away. What is not named stays.",
  arguments: ["id"],
  options: [
    ["--name <name>", "name of the project"],
    ["--description <text>", "what it is for"],
    ["--team <id>", "team that it is in"],
    ["--budget <usd>", "what its calls may cost, in all or per period"],
    ["--period <period>", "when the budget begins anew", budgetPeriod.options],
  ],
  input: z
    .strictObject({
      ...named,
      name: nameText.optional(),
      description: orNone(plainText.max(2000)).optional(),
      team: orNone(rowNumber).optional(),
      budget: orNone(usdAmount).optional(),
      period: budgetPeriod.optional(),
    })
    .refine(({ budget, period }) => budget !== null || period === undefined, {
      path: ["period"],
      message: "needs a budget",
    }),
  async run(deps, { id, name, description, team: teamId, budget, period }) {
    if ([name, description, teamId, budget, period].every((value) => value === undefined)) {
      throw new UsageError("name what is to change");
    }
    const missing = typeof teamId === "number" ? `project ${id}, or no team ${teamId}` : `project ${id}`;
    const patch = { name, description, teamId, budget: { allocatedPico: budget, period } };
    return orUsage(`there is no ${missing}`, () => updated(deps, id, patch));
  },
  show: shownFields,
});

const archive = switching("archive", "Archive a project: no call is paid by it any more.", true);
const restore = switching("restore", "Bring an archived project back.", false);

const remove = dataCommand({
  name: "projects delete",
  about: "Delete a project and revoke the keys that are bound to it; what it has cost stays on record.",
  arguments: ["id"],
  input: z.strictObject(named),
  run: (deps, { id }) =>
    orUsage(`there is no project ${id}`, async () => {
      await deleteProject({ ...deps, ...projectParts(deps) }, deps.by, id);
      return { id, deleted: true };
    }),
  show: ({ id }) => ({ text: "", note: `Project ${id} is deleted.` }),
});

function switching(verb: string, about: string, archived: boolean) {
  return dataCommand({
    name: `projects ${verb}`,
    about,
    arguments: ["id"],
    input: z.strictObject(named),
    run: (deps, { id }) => orUsage(`there is no project ${id}`, () => updated(deps, id, { archived })),
    show: ({ id, name }: ProjectJson) => ({
      text: `Project ${id} (${name}) is ${archived ? "archived" : "restored"}.`,
    }),
  });
}

async function updated(deps: CommandDeps, id: number, patch: ProjectPatch): Promise<ProjectJson> {
  return projectJson(deps, await updateProject({ ...deps, ...projectParts(deps) }, deps.by, id, patch));
}

export const changeCommands = [update, archive, restore, remove];
