import { sql } from "kysely";
import { DAY_MS, utcDay } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { type JobReport, jobReport } from "./reports.jobs.ts";
import { nothing, type SumRow, type Sums, sumColumns, sumsOf } from "./reports.sums.ts";

/** Whose costs: a project's, those of the projects that are in a team now, or everybody's. */
export type Whose =
  | { readonly kind: "project"; readonly id: number }
  | { readonly kind: "team"; readonly id: number }
  | { readonly kind: "everybody" };

/** Costs of a number of UTC days, added up in every way that reports show. Lists: dearest first, at most 100 long. */
export type CostReport = {
  readonly total: Sums;
  /** Every day of the period, the oldest first, also those without a call. */
  readonly trend: readonly { readonly day: string; readonly sums: Sums }[];
  readonly byModel: readonly (Group & { readonly provider: string; readonly model: string })[];
  readonly byProvider: readonly (Group & { readonly provider: string })[];
  readonly byOperation: readonly (Group & { readonly operation: string })[];
  readonly byUser: readonly (Group & { readonly userId: string })[];
  /** Calls that no project paid are in no line here. */
  readonly byProject: readonly (Group & NamedPayer)[];
  readonly byTeam: readonly (Group & NamedPayer)[];
  readonly jobs: JobReport;
};

type Group = { readonly sums: Sums };
export type NamedPayer = { readonly id: number; readonly name: string };

const LONGEST_LIST = 100;

/** The UTC day that `now` (milliseconds since the epoch) lies in and those before it, oldest first. */
export function lastDays(now: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => utcDay(now - (count - 1 - index) * DAY_MS));
}

/** Reads roll-ups and jobs, each once. @param days consecutive UTC days, oldest first. */
export async function costReport(db: Db, whose: Whose, days: readonly string[]): Promise<CostReport> {
  const { rows } = await sql<ReportRow>`
    with spent as (
      select cost.*, project.name as project_name, team.id as team_id, team.name as team_name
      from daily_costs as cost
      left join projects as project on project.id = cost.project_id
      left join teams as team on team.id = project.team_id
      where cost.day between ${days[0]!} and ${days.at(-1)!} and ${chosen(whose)}
    ),
    added as (
      select day, provider, model, operation, user_id, project_id, project_name, team_id, team_name, ${sumColumns},
        case when grouping(day) = 0 then 'day' when grouping(model) = 0 then 'model'
          when grouping(provider) = 0 then 'provider' when grouping(operation) = 0 then 'operation'
          when grouping(user_id) = 0 then 'user' when grouping(project_id) = 0 then 'project'
          when grouping(team_id) = 0 then 'team' else 'total' end as part
      from spent
      group by grouping sets (
        (), (day), (provider, model), (provider), (operation), (user_id), (project_id, project_name), (team_id, team_name)
      )
      having sum(calls) > 0
    ),
    placed as (
      select *, row_number() over (
        partition by part order by cost_pico desc, provider, model, operation, user_id, project_id, team_id, day
      ) as place
      from added
      where (part <> 'project' or project_id is not null) and (part <> 'team' or team_id is not null)
    )
    select * from placed where part = 'day' or place <= ${LONGEST_LIST} order by part, place`.execute(db);
  return { ...reportOf(rows, days), jobs: await jobReport(db, whose, days) };
}

type ReportRow = SumRow & {
  part: "total" | "day" | "model" | "provider" | "operation" | "user" | "project" | "team";
  day: string;
  provider: string;
  model: string;
  operation: string;
  user_id: string;
  project_id: number;
  project_name: string | null;
  team_id: number;
  team_name: string;
};

function chosen(whose: Whose) {
  switch (whose.kind) {
    case "project":
      return sql`cost.project_id = ${whose.id}`;
    case "team":
      return sql`cost.project_id in (select id from projects where team_id = ${whose.id})`;
    case "everybody":
      return sql`true`;
  }
}

function reportOf(rows: readonly ReportRow[], days: readonly string[]): Omit<CostReport, "jobs"> {
  const of = (part: ReportRow["part"]) =>
    rows.filter((row) => row.part === part).map((row) => ({ row, sums: sumsOf(row) }));
  const onDays = new Map(of("day").map(({ row, sums }) => [row.day, sums]));
  return {
    total: of("total")[0]?.sums ?? nothing,
    trend: days.map((day) => ({ day, sums: onDays.get(day) ?? nothing })),
    byModel: of("model").map(({ row, sums }) => ({ provider: row.provider, model: row.model, sums })),
    byProvider: of("provider").map(({ row, sums }) => ({ provider: row.provider, sums })),
    byOperation: of("operation").map(({ row, sums }) => ({ operation: row.operation, sums })),
    byUser: of("user").map(({ row, sums }) => ({ userId: row.user_id, sums })),
    byProject: of("project").map(({ row, sums }) => ({
      id: row.project_id,
      name: row.project_name ?? "",
      sums,
    })),
    byTeam: of("team").map(({ row, sums }) => ({ id: row.team_id, name: row.team_name, sums })),
  };
}
