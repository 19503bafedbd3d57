import type { FastifyReply } from "fastify";
import { z } from "zod";
import { type Caller, type Level, requireLevel } from "../../access/levels.ts";
import { findProject } from "../../access/projects.ts";
import { findTeam } from "../../access/teams.ts";
import { type CostReport, costReport, lastDays, type Whose } from "../../costs/reports.period.ts";
import { dailyCosts } from "../../costs/reports.ts";
import { type Clock, utcDay } from "../../lib/clock.ts";
import type { Db } from "../../store/tables.ts";
import { costsCsv } from "../cost-csv.ts";
import {
  platformCosts,
  platformCostsJson,
  projectCosts,
  projectCostsJson,
  teamCosts,
  teamCostsJson,
} from "../cost-json.ts";
import type { Endpoint, Visit } from "../endpoint.ts";
import { rowId, utcDate } from "../fields.ts";

const sums = {
  calls: z.int(),
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
  estimated_cost: z.number(),
  estimated_cost_usd: z.string(),
  estimated_share: z.number(),
  unpriced_share: z.number(),
};

const dailyCostsAnswer = z
  .object({
    day: z.string(),
    timezone: z.literal("UTC"),
    totals: z.object(sums),
    breakdown: z.array(z.object({ operation: z.string(), provider: z.string(), model: z.string(), ...sums })),
  })
  .meta({ id: "DailyCosts" });

export type CostDeps = { readonly db: Db; readonly clock: Clock };

const dayQuery = z.strictObject({ day: utcDate.optional() });
const params = z.object({ id: rowId });
export const MOST_DAYS = 366;
export const periodQuery = z.strictObject({
  period_days: z.coerce.number().int().min(1).max(MOST_DAYS).default(30),
  format: z.enum(["json", "csv"]).default("json"),
});
type PeriodQuery = z.infer<typeof periodQuery>;

const own = { credential: "caller", scope: "costs:read", class: "manage" } as const;
const admin = { credential: "caller", scope: "admin:*", class: "manage" } as const;

export function costRoutes(deps: CostDeps): readonly Endpoint[] {
  const { db, clock } = deps;

  async function answer<T>(
    reply: FastifyReply,
    { period_days: count, format }: PeriodQuery,
    whose: Whose,
    json: (report: CostReport) => T,
  ): Promise<T | string> {
    const report = await costReport(db, whose, lastDays(clock.now(), count));
    if (format === "json") return json(report);
    reply.type("text/csv; charset=utf-8").header("content-disposition", 'attachment; filename="costs.csv"');
    return costsCsv(report, whose.kind);
  }

  /** The costs of a project or team, for those who may see it. */
  function costsOf<T>(
    kind: "project" | "team",
    find: (db: Db, caller: Caller, id: number) => Promise<{ readonly level: Level } | undefined>,
    json: (id: number, report: CostReport) => T,
  ) {
    return async ({ request, reply, visitor }: Visit) => {
      const { id } = request.params as z.infer<typeof params>;
      requireLevel(await find(db, visitor.principal, id), "viewer");
      return answer(reply, request.query as PeriodQuery, { kind, id }, (report) => json(id, report));
    };
  }

  return [
    {
      method: "GET",
      path: "/health/costs/daily",
      summary: "The caller's own costs of one UTC day, by operation and model.",
      access: own,
      query: dayQuery,
      answer: dailyCostsAnswer,
      handle({ request, visitor }) {
        const { day = utcDay(clock.now()) } = request.query as z.infer<typeof dayQuery>;
        return dailyCosts(db, visitor.principal.userId, day);
      },
    },
    {
      method: "GET",
      path: "/costs/projects/:id",
      summary: "What a project's calls have cost, by day, model, operation and user.",
      access: own,
      params,
      query: periodQuery,
      answer: projectCosts,
      handle: costsOf("project", findProject, projectCostsJson),
    },
    {
      method: "GET",
      path: "/costs/teams/:id",
      summary: "What the calls of a team's projects have cost.",
      access: own,
      params,
      query: periodQuery,
      answer: teamCosts,
      handle: costsOf("team", findTeam, teamCostsJson),
    },
    {
      method: "GET",
      path: "/costs/report",
      summary: "What all calls have cost, with the dearest projects and teams.",
      access: admin,
      query: periodQuery,
      answer: platformCosts,
      handle: ({ request, reply }) =>
        answer(reply, request.query as PeriodQuery, { kind: "everybody" }, platformCostsJson),
    },
  ];
}
