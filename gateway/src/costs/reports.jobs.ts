import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import type { Whose } from "./reports.period.ts";

/** What has become of jobs; they divide their cost by all of them, whatever became of them (C6). */
export type JobCounts = {
  readonly total: number;
  readonly completed: number;
  /** In the dead letters. */
  readonly failed: number;
};

/** The jobs that were made in a number of UTC days, and how many on each. */
export type JobReport = JobCounts & { readonly perDay: ReadonlyMap<string, number> };

/** Down to the pico-dollar; of no jobs, 0. */
export function averagePerJob(costPico: Pico, { total }: Pick<JobCounts, "total">): Pico {
  return total === 0 ? 0n : costPico / BigInt(total);
}

/** @param days consecutive UTC days, oldest first. */
export async function jobReport(db: Db, whose: Whose, days: readonly string[]): Promise<JobReport> {
  const { rows } = await sql<JobCounts & { day: string }>`
    select (created_at at time zone 'UTC')::date as day, count(*) as total,
      count(*) filter (where status = 'completed') as completed, count(*) filter (where status = 'dead_letter') as failed
    from jobs
    where created_at >= ${`${days[0]!}T00:00:00Z`}::timestamptz
      and created_at < ${`${days.at(-1)!}T00:00:00Z`}::timestamptz + interval '1 day' and ${chosen(whose)}
    group by day`.execute(db);
  const sum = (count: (row: JobCounts) => number) => rows.reduce((all, row) => all + count(row), 0);
  return {
    total: sum(({ total }) => total),
    completed: sum(({ completed }) => completed),
    failed: sum(({ failed }) => failed),
    perDay: new Map(rows.map(({ day, total }) => [day, total])),
  };
}

function chosen(whose: Whose) {
  switch (whose.kind) {
    case "project":
      return sql`project_id = ${whose.id}`;
    case "team":
      return sql`project_id in (select id from projects where team_id = ${whose.id})`;
    case "everybody":
      return sql`true`;
  }
}
