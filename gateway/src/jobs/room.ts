import { type RawBuilder, sql } from "kysely";

/** SQL expressions: whose money a job would take. */
export type Asking = {
  readonly userId: RawBuilder<unknown>;
  readonly keyId: RawBuilder<unknown>;
  readonly projectId: RawBuilder<unknown>;
};

/**
 * SQL: what is left of the budget of the job's user, key, project or team that has least left, pico-USD; null: there is
 * none. What running calls hold counts as spent only if `heldCounts`. Of a budget's rows the newest counts; one whose
 * period is over has all its money again.
 */
export function roomOf({ userId, keyId, projectId }: Asking, heldCounts: boolean) {
  const used = heldCounts ? sql`spent_pico + reserved_pico` : sql`spent_pico`;
  return sql`(
    select min(allocated_pico - used_pico) from (
      values ('user', (${userId})::text), ('project', (${projectId})::text),
        ('key', (select quota_group::text from api_keys where id = (${keyId})::bigint)),
        ('team', (select team_id::text from projects where id = (${projectId})::bigint))
    ) as owner (scope, scope_id)
    cross join lateral (
      select allocated_pico,
        case when period = 'none' then ${used}
          when period_start < date_trunc(period, now() at time zone 'UTC') at time zone 'UTC' then 0
          else ${used} end as used_pico
      from budgets
      where budgets.scope = owner.scope and budgets.scope_id = owner.scope_id
      order by id desc limit 1
    ) as budget
  )`;
}
