import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { type EndDeps, endAttempt } from "./end-attempt.ts";
import { nextAfterFailure } from "./states.ts";

/** A lease that goes on, and whether somebody wants its job to stop. */
export type Extended = { readonly token: string; readonly isCancelled: boolean };

/** Extends the leases of these tokens. One that is not in the answer was lost. */
export async function extendLeases(
  db: Db,
  tokens: readonly string[],
  leaseMs: number,
): Promise<readonly Extended[]> {
  const { rows } = await sql<Extended>`
    update jobs set lease_until = now() + ${leaseMs}::float8 * interval '1 millisecond'
    where id in (
      select id from jobs where status = 'running' and lock_token = any(${tokens}::uuid[]) order by id for update
    )
    returning lock_token as token, cancel_requested_at is not null as "isCancelled"`.execute(db);
  return rows;
}

const MOST_AT_ONCE = 100;

/** Jobs whose worker has not been heard of for a lease have failed once. Answers how many. */
export async function endLostAttempts(deps: EndDeps & { readonly retryBaseMs: number }): Promise<number> {
  const lost = await deps.db
    .selectFrom("jobs")
    .select(["id", "project_id as projectId", "type", "lock_token as token"])
    .select(["retry_count as retryCount", "max_retries as maxRetries"])
    .where("status", "=", "running")
    .where("lease_until", "<", sql<Date>`now()`)
    .orderBy("lease_until")
    .limit(MOST_AT_ONCE)
    .execute();
  for (const job of lost) {
    const next = nextAfterFailure(job, { isFatal: false, retryBaseMs: deps.retryBaseMs });
    const error = { code: "WORKER_LOST", message: "worker lost (lease expired)" };
    const attempt = { ...job, token: job.token! };
    await endAttempt(deps, attempt, { ...next, outcome: "lost", error }, { onlyIfLost: true });
  }
  return lost.length;
}
