import { z } from "zod";
import { levels } from "../access/levels.ts";
import type { Project } from "../access/projects.ts";
import { moneyOfProjects } from "../costs/project-money.ts";
import { type Clock, isoTime } from "../lib/clock.ts";
import { usdNumber, usdText } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";

/** A project as HTTP and the command line show it. */
export const projectAnswer = z
  .object({
    id: z.int(),
    name: z.string(),
    description: z.string().nullable(),
    team_id: z.int().nullable(),
    owner_id: z.string(),
    /** Of the caller. */
    role: z.enum(levels),
    budget_allocated: z.number().nullable(),
    budget_allocated_usd: z.string().nullable(),
    budget_period: z.enum(["none", "day", "week", "month"]).nullable(),
    /** Of the budget in its period; without a budget, in all. */
    actual_cost: z.number(),
    actual_cost_usd: z.string(),
    created_at: z.string(),
    archived_at: z.string().nullable(),
  })
  .meta({ id: "Project" });

export type ProjectJson = z.infer<typeof projectAnswer>;

export async function projectsJson(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  projects: readonly Project[],
): Promise<readonly ProjectJson[]> {
  const ids = projects.map(({ id }) => id);
  const money = await moneyOfProjects(db, ids, clock.now());
  return projects.map((project) => {
    const { budget, actualPico } = money.get(project.id)!;
    return {
      id: project.id,
      name: project.name,
      description: project.description,
      team_id: project.teamId,
      owner_id: project.ownerId,
      role: project.level,
      budget_allocated: budget === undefined ? null : usdNumber(budget.allocatedPico),
      budget_allocated_usd: budget === undefined ? null : usdText(budget.allocatedPico),
      budget_period: budget?.period ?? null,
      actual_cost: usdNumber(actualPico),
      actual_cost_usd: usdText(actualPico),
      created_at: isoTime(project.createdAt.getTime()),
      archived_at: project.archivedAt === null ? null : isoTime(project.archivedAt.getTime()),
    };
  });
}

export async function projectJson(
  deps: { readonly db: Db; readonly clock: Clock },
  project: Project,
): Promise<ProjectJson> {
  const [json] = await projectsJson(deps, [project]);
  return json!;
}
