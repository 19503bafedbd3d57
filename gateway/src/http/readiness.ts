import type { Counters } from "../limits/limit.ts";
import type { Db } from "../store/tables.ts";

export type Readiness = { readonly ready: boolean; readonly checks: Readonly<Record<string, boolean>> };

/**
 * Ready means: the database answers and the process is not stopping. Without the shared counters calls go on by the
 * limits' fail modes, and without the shared breakers by this process's own: they are told and do not decide.
 */
export async function readinessOf(deps: {
  readonly db: Db;
  readonly counters: Counters;
  readonly breakers: { readonly isShared: () => boolean };
  readonly isStopping: boolean;
}): Promise<Readiness> {
  const [database, counters] = await Promise.all([answers(deps.db), deps.counters.healthy()]);
  const accepting = !deps.isStopping;
  const breakers = deps.breakers.isShared();
  return { ready: database && accepting, checks: { database, counters, breakers, accepting } };
}

function answers(db: Db): Promise<boolean> {
  return db
    .selectFrom("auth_state")
    .select("id")
    .execute()
    .then(
      () => true,
      () => false,
    );
}
