import { type Selectable, sql } from "kysely";
import type { JobsTable } from "../store/tables.jobs.ts";
import type { Db, Tx } from "../store/tables.ts";
import { type Claimed, jobOf } from "./job.ts";

export type Claim = {
  /** Ids for the calls of as many jobs as are wanted; UUIDv7. */
  readonly callIds: readonly string[];
  /** Who takes them. */
  readonly worker: string;
  readonly leaseMs: number;
  /** How many of a project may run at a time, on all workers together; 0: any number. */
  readonly perProject: number;
};

/** Any number, the same in every process. */
const CLAIM_LOCK = 7_655_410_219;

/** Takes jobs that wait, by priority, then by age. Nobody else has them until their lease ends. */
export async function claim(db: Db, wanted: Claim): Promise<readonly Claimed[]> {
  if (wanted.perProject === 0) return take(db, wanted, uncapped(wanted.callIds.length));
  return db.transaction().execute(async (tx) => {
    // What runs is counted and taken by one worker at a time, or each would fill the project up.
    await sql`select pg_advisory_xact_lock(${sql.lit(CLAIM_LOCK)})`.execute(tx);
    return take(tx, wanted, capped(wanted.callIds.length, wanted.perProject));
  });
}

function uncapped(most: number) {
  return sql`
    select id from jobs
    where status = 'pending' and run_at <= now()
    order by priority desc, run_at, id limit ${most}::integer
    for update skip locked`;
}

function capped(most: number, perProject: number) {
  return sql`
    select id from jobs
    where status = 'pending' and id in (
      select id from (
        select id, project_id, row_number() over (partition by project_id order by priority desc, run_at, id) as place
        from jobs where status = 'pending' and run_at <= now()
      ) as waiting
      where place + (select count(*) from jobs as busy
        where busy.status = 'running' and busy.project_id = waiting.project_id) <= ${perProject}::integer
    )
    order by priority desc, run_at, id limit ${most}::integer
    for update skip locked`;
}

async function take(
  db: Db | Tx,
  { callIds, worker, leaseMs }: Claim,
  picked: ReturnType<typeof uncapped>,
): Promise<readonly Claimed[]> {
  const { rows } = await sql<Selectable<JobsTable> & { call_id: string; deferrals: number }>`
    with picked as materialized (${picked}),
    numbered as (select id, row_number() over (order by id) as number from picked),
    claimed as (
      update jobs set status = 'running', attempt = attempt + 1, lock_token = gen_random_uuid(),
        locked_by = ${worker}::text, lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond',
        started_at = now(), next_retry_at = null
      from numbered join unnest(${callIds}::uuid[]) with ordinality as slot (call_id, number) using (number)
      where jobs.id = numbered.id
      returning jobs.*, slot.call_id
    ),
    begun as (
      insert into job_attempts (job_id, attempt, call_id, worker, started_at)
      select id, attempt, call_id, locked_by, started_at from claimed
    )
    select claimed.*, attempt - 1 - coalesce((
      select other.attempt from job_attempts as other
      where other.job_id = claimed.id and other.attempt < claimed.attempt and outcome <> 'deferred'
      order by other.attempt desc limit 1
    ), 0) as deferrals
    from claimed order by priority desc, run_at, id`.execute(db);
  return rows.map((row) => ({
    ...jobOf(row),
    token: row.lock_token!,
    attempt: row.attempt,
    callId: row.call_id,
    deferrals: row.deferrals,
  }));
}
