import { z } from "zod";
import { planLimits, planName } from "../../config/file.ts";
import { type Clock, isoTime } from "../../lib/clock.ts";
import { deletePlan, putPlan } from "../../limits/change-plan.ts";
import { type FilePlans, type ListedPlan, listPlans } from "../../limits/plans.ts";
import type { Db } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type PlanDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly change: Change;
  readonly filePlans: FilePlans;
  readonly pages: Pages;
};

export const planShape = z
  .object({
    name: z.string(),
    limits: planLimits,
    source: z.enum(["file", "stored"]),
    updated_at: z.string().nullable(),
    updated_by: z.string().nullable(),
  })
  .meta({ id: "Plan" });

/** A plan as HTTP and the command line show it. */
export function planJson({
  name,
  limits,
  source,
  updatedAt,
  updatedBy,
}: ListedPlan): z.infer<typeof planShape> {
  const updated_at = updatedAt === null ? null : isoTime(updatedAt.getTime());
  return { name, limits, source, updated_at, updated_by: updatedBy };
}

const query = z.strictObject(pageQuery);
const params = z.object({ name: planName });
const body = z.strictObject({ limits: planLimits });
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Plans as administrators see and change them (A7). */
export function planRoutes(deps: PlanDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/plans",
      summary: "All plans, and whether they are stored or stand in the configuration file.",
      access,
      query,
      answer: pageOf(planShape),
      async handle({ request }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = deps.pages.after("plans", cursor) ?? "";
        const plans = (await listPlans(deps.db, deps.filePlans)).filter(({ name }) => name > after);
        const { items, next_cursor } = deps.pages.page("plans", plans, limit, ({ name }) => name);
        return { items: items.map(planJson), next_cursor };
      },
    },
    {
      method: "PUT",
      path: "/admin/plans/:name",
      summary: "Stores a plan: its limits count from the next request on, and what was used stays used.",
      access,
      params,
      body,
      answer: planShape,
      async handle({ request, cause }) {
        const { name } = request.params as z.infer<typeof params>;
        const { limits } = request.body as z.infer<typeof body>;
        return planJson(await putPlan(deps, cause(), name, limits));
      },
    },
    {
      method: "DELETE",
      path: "/admin/plans/:name",
      summary: "Deletes a stored plan that nobody has; one of the configuration file shows again.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, cause }) {
        await deletePlan(deps, cause(), (request.params as z.infer<typeof params>).name);
      },
    },
  ];
}
