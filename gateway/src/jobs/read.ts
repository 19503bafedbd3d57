import { type Selectable, sql } from "kysely";
import { isAdministrator } from "../access/authorize.ts";
import { boundProject, type Caller, isAtLeast, type Level, requireLevel } from "../access/levels.ts";
import { findProject, listProjects } from "../access/projects.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import type { JobAttemptsTable } from "../store/tables.jobs.ts";
import type { Db } from "../store/tables.ts";
import { type CostedJob, chargeOf, withCosts } from "./costs.ts";
import { jobOf } from "./job.ts";
import type { JobStatus, Outcome } from "./states.ts";

/** Which jobs of a list: the newest first, those before the number `before`, at most `limit`. */
export type JobSection = {
  readonly before: number | undefined;
  readonly limit: number;
  readonly status?: JobStatus | undefined;
  readonly projectId?: number | undefined;
  readonly type?: string | undefined;
};

/** The job, if the caller is at least a viewer of its project. Throws NOT_FOUND. */
export async function getJob(db: Db, caller: Caller, id: number): Promise<CostedJob> {
  const row = await db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new TollgateError("NOT_FOUND");
  requireLevel(await findProject(db, caller, row.project_id), "viewer");
  return (await withCosts(db, [jobOf(row)]))[0]!;
}

/** The jobs of the projects in which the caller has this level. Throws NOT_FOUND, FORBIDDEN for a project named. */
export async function listJobs(
  db: Db,
  caller: Caller,
  level: Level,
  { before, limit, status, projectId, type }: JobSection,
): Promise<readonly CostedJob[]> {
  const projects = await projectsWith(db, caller, level, projectId);
  const newest = db
    .selectFrom("jobs")
    .$if(before !== undefined, (query) => query.where("id", "<", before!))
    .$if(status !== undefined, (query) => query.where("status", "=", status!))
    .$if(type !== undefined, (query) => query.where("type", "=", type!))
    .orderBy("id", "desc")
    .limit(limit);
  if (projects === "all") {
    // Not by `exists`, which would be joined and sorted: the newest are looked at one by one, until there are enough.
    const isThere = sql<boolean>`(select deleted_at is null from projects where projects.id = project_id)`;
    return withCosts(db, (await newest.selectAll().where(isThere).execute()).map(jobOf));
  }
  const ofEach = newest.select("id").where("project_id", "=", sql<number>`project.id`);
  const ids = sql<number>`(
    select newest.id from unnest(${projects}::bigint[]) as project (id) cross join lateral (${ofEach}) as newest
    order by newest.id desc limit ${limit}::integer
  )`;
  const rows = await db.selectFrom("jobs").selectAll().where("id", "in", ids).orderBy("id", "desc").execute();
  return withCosts(db, rows.map(jobOf));
}

const MOST_PROJECTS = 100_000;

/** Their numbers; `all`: whichever there are. */
async function projectsWith(
  db: Db,
  caller: Caller,
  level: Level,
  named: number | undefined,
): Promise<readonly number[] | "all"> {
  if (named !== undefined) return [requireLevel(await findProject(db, caller, named), level).id];
  if (isAdministrator(caller) && boundProject(caller) === undefined) return "all";
  const known = await listProjects(db, caller, { after: 0, limit: MOST_PROJECTS });
  return known.filter((project) => isAtLeast(project.level, level)).map(({ id }) => id);
}

/** One try to do a job. */
export type JobAttempt = {
  readonly attempt: number;
  /** Of its AI call on the ledger. */
  readonly callId: string;
  readonly worker: string;
  readonly startedAt: Date;
  readonly endedAt: Date | null;
  readonly outcome: Outcome | null;
  readonly errorCode: string | null;
  readonly error: string | null;
  readonly tokensInput: number | null;
  readonly tokensOutput: number | null;
  /** Adjustments included. Null: not on the ledger, or not yet. */
  readonly costPico: Pico | null;
};

/** All of them, the first first. */
export async function attemptsOf(db: Db, jobId: number): Promise<readonly JobAttempt[]> {
  const { rows } = await sql<AttemptRow>`
    select attempt.*, charge.cost_pico as charged_pico, charge.input, charge.output
    from job_attempts as attempt cross join lateral (${chargeOf(sql`attempt`)}) as charge
    where job_id = ${jobId} order by attempt`.execute(db);
  return rows.map(attemptOf);
}

type AttemptRow = Selectable<JobAttemptsTable> & {
  readonly charged_pico: string | null;
  readonly input: number | null;
  readonly output: number | null;
};

function attemptOf(row: AttemptRow): JobAttempt {
  return {
    attempt: row.attempt,
    callId: row.call_id,
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    errorCode: row.error_code,
    error: row.error,
    tokensInput: row.input,
    tokensOutput: row.output,
    costPico: row.charged_pico === null ? null : BigInt(row.charged_pico),
  };
}
