import { z } from "zod";
import { averagePerJob } from "../costs/reports.jobs.ts";
import type { CostReport, NamedPayer } from "../costs/reports.period.ts";
import { estimatedShare, type Sums, unpricedShare } from "../costs/reports.sums.ts";
import { usdNumber, usdText } from "../lib/money.ts";

const tokenFields = {
  /** All input, cached included. */
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
};
const lineFields = { cost: z.number(), cost_usd: z.string(), calls: z.int(), ...tokenFields };

const reportFields = {
  total_cost: z.number(),
  total_cost_usd: z.string(),
  total_calls: z.int(),
  total_jobs: z.int(),
  completed_jobs: z.int(),
  failed_jobs: z.int(),
  average_cost_per_job: z.number(),
  average_cost_per_job_usd: z.string(),
  period_days: z.int(),
  tokens: z.object(tokenFields),
  /** How much of the money rests on counts that no provider confirmed, 0 to 1. */
  estimated_share: z.number(),
  /** How much of it was charged at the default rates, because the model had no price, 0 to 1. */
  unpriced_share: z.number(),
  trend: z.array(
    z.object({ day: z.string(), cost: z.number(), cost_usd: z.string(), calls: z.int(), jobs: z.int() }),
  ),
  by_model: z.array(
    z.object({ provider: z.string(), model: z.string(), ...lineFields, unpriced_share: z.number() }),
  ),
  by_operation: z.array(z.object({ operation: z.string(), ...lineFields })),
};
const byUser = z.array(z.object({ user_id: z.string(), ...lineFields }));
const ofProjects = z.array(z.object({ project_id: z.int(), name: z.string(), ...lineFields }));

/** What calls and jobs cost, as HTTP and the command line show it. */
export const projectCosts = z
  .object({ project_id: z.int(), ...reportFields, by_user: byUser })
  .meta({ id: "ProjectCosts" });
export const teamCosts = z
  .object({ team_id: z.int(), ...reportFields, by_user: byUser, by_project: ofProjects })
  .meta({ id: "TeamCosts" });
export const platformCosts = z
  .object({
    ...reportFields,
    top_projects: ofProjects,
    top_teams: z.array(z.object({ team_id: z.int(), name: z.string(), ...lineFields })),
    by_provider: z.array(z.object({ provider: z.string(), ...lineFields })),
  })
  .meta({ id: "PlatformCosts" });

export type ProjectCosts = z.infer<typeof projectCosts>;
export type TeamCosts = z.infer<typeof teamCosts>;
export type PlatformCosts = z.infer<typeof platformCosts>;

const TOP = 10;

export function projectCostsJson(id: number, report: CostReport): ProjectCosts {
  return { project_id: id, ...reportJson(report), by_user: usersJson(report) };
}

export function teamCostsJson(id: number, report: CostReport): TeamCosts {
  const by_project = report.byProject.map(projectLine);
  return { team_id: id, ...reportJson(report), by_user: usersJson(report), by_project };
}

export function platformCostsJson(report: CostReport): PlatformCosts {
  return {
    ...reportJson(report),
    top_projects: report.byProject.slice(0, TOP).map(projectLine),
    top_teams: report.byTeam
      .slice(0, TOP)
      .map(({ id, name, sums }) => ({ team_id: id, name, ...line(sums) })),
    by_provider: report.byProvider.map(({ provider, sums }) => ({ provider, ...line(sums) })),
  };
}

function reportJson(report: CostReport) {
  const { total, trend, byModel, byOperation, jobs } = report;
  const average = averagePerJob(total.costPico, jobs);
  return {
    total_cost: usdNumber(total.costPico),
    total_cost_usd: usdText(total.costPico),
    total_calls: total.calls,
    total_jobs: jobs.total,
    completed_jobs: jobs.completed,
    failed_jobs: jobs.failed,
    average_cost_per_job: usdNumber(average),
    average_cost_per_job_usd: usdText(average),
    period_days: trend.length,
    tokens: tokens(total),
    estimated_share: estimatedShare(total),
    unpriced_share: unpricedShare(total),
    trend: trend.map(({ day, sums }) => ({
      day,
      cost: usdNumber(sums.costPico),
      cost_usd: usdText(sums.costPico),
      calls: sums.calls,
      jobs: jobs.perDay.get(day) ?? 0,
    })),
    by_model: byModel.map(({ provider, model, sums }) => ({
      ...{ provider, model, ...line(sums) },
      unpriced_share: unpricedShare(sums),
    })),
    by_operation: byOperation.map(({ operation, sums }) => ({ operation, ...line(sums) })),
  };
}

function usersJson({ byUser }: CostReport) {
  return byUser.map(({ userId, sums }) => ({ user_id: userId, ...line(sums) }));
}

function projectLine({ id, name, sums }: NamedPayer & { readonly sums: Sums }) {
  return { project_id: id, name, ...line(sums) };
}

function line(sums: Sums) {
  const { costPico, calls } = sums;
  return { cost: usdNumber(costPico), cost_usd: usdText(costPico), calls, ...tokens(sums) };
}

function tokens({ input, cached, output }: Sums) {
  return {
    input_tokens: input,
    cached_input_tokens: cached,
    output_tokens: output,
    total_tokens: input + output,
  };
}
