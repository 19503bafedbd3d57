import { z } from "zod";
import {
  createProject,
  deleteProject,
  type ProjectChangeDeps,
  updateProject,
} from "../../access/change-project.ts";
import { requireLevel } from "../../access/levels.ts";
import { findProject, listProjects } from "../../access/projects.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";
import { nameText, plainText, rowId, usdAmount } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { projectAnswer, projectJson, projectsJson } from "../project-json.ts";

export type ProjectDeps = ProjectChangeDeps & { readonly db: Db; readonly pages: Pages };

const params = z.object({ id: rowId });
const query = z.strictObject(pageQuery);

const fields = {
  description: plainText.max(2000).nullish(),
  team_id: z.int().min(1).nullish(),
  budget_allocated: usdAmount.nullish(),
  budget_period: z.enum(["none", "day", "week", "month"]).optional(),
};
const hasBudget = (body: { budget_allocated?: unknown; budget_period?: unknown }) =>
  body.budget_allocated !== null || body.budget_period === undefined;
const noBudget = { path: ["budget_period"], message: "needs a budget" };

const newProject = z.strictObject({ name: nameText, ...fields }).refine(hasBudget, noBudget);
const patch = z
  .strictObject({ name: nameText.optional(), ...fields, archived: z.boolean().optional() })
  .refine(hasBudget, noBudget);

const read = { credential: "caller", scope: "projects:read", class: "manage" } as const;
const write = { credential: "caller", scope: "projects:write", class: "manage" } as const;

export function projectRoutes(deps: ProjectDeps): readonly Endpoint[] {
  const { db, pages } = deps;
  return [
    {
      method: "GET",
      path: "/projects",
      alsoAt: ["/projects/"],
      summary: "The projects that the caller owns, or is a member of, itself or through a team.",
      access: read,
      query,
      answer: pageOf(projectAnswer),
      async handle({ request, visitor }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const section = { after: Number(pages.after("projects", cursor) ?? 0), limit: limit + 1 };
        const found = await listProjects(db, visitor.principal, section);
        return pages.page("projects", await projectsJson(deps, found), limit, ({ id }) => id);
      },
    },
    {
      method: "POST",
      path: "/projects",
      alsoAt: ["/projects/"],
      summary: "Makes a project of the caller's, with a budget and in a team if wanted.",
      access: write,
      body: newProject,
      answer: projectAnswer,
      answerStatus: 201,
      async handle({ request, visitor, cause }) {
        const { name, ...sent } = request.body as z.infer<typeof newProject>;
        const caller = visitor.principal;
        const wanted = { ...wantedOf(sent), name, ownerId: caller.userId };
        return projectJson(deps, await createProject(deps, { caller, cause: cause() }, wanted));
      },
    },
    {
      method: "GET",
      path: "/projects/:id",
      summary: "A project.",
      access: read,
      params,
      answer: projectAnswer,
      async handle({ request, visitor }) {
        const { id } = request.params as z.infer<typeof params>;
        return projectJson(deps, requireLevel(await findProject(db, visitor.principal, id), "viewer"));
      },
    },
    {
      method: "PATCH",
      path: "/projects/:id",
      summary: "Changes, archives or restores a project: its managers. Its team: its owner.",
      access: write,
      params,
      body: patch,
      answer: projectAnswer,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        const by = { caller: visitor.principal, cause: cause() };
        const wanted = wantedOf(request.body as z.infer<typeof patch>);
        return projectJson(deps, await updateProject(deps, by, id, wanted));
      },
    },
    {
      method: "DELETE",
      path: "/projects/:id",
      summary: "Deletes a project and revokes the keys that are bound to it: its owner.",
      access: write,
      params,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        await deleteProject(deps, { caller: visitor.principal, cause: cause() }, id);
      },
    },
  ];
}

function wantedOf(sent: Partial<z.infer<typeof patch>>) {
  const { name, description, archived, team_id: teamId, budget_allocated, budget_period } = sent;
  const budget = { allocatedPico: budget_allocated, period: budget_period };
  return { name, description, teamId, archived, budget };
}
