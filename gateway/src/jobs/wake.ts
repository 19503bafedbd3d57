import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { tell } from "./job.ts";
import { roomOf } from "./room.ts";

const MOST_AT_ONCE = 500;

/** Jobs whose pause is over may be claimed again. Answers how many. */
export async function wakeRetrying(db: Db): Promise<number> {
  const { rows } = await sql`
    with due as (
      update jobs set status = 'pending', run_at = next_retry_at, next_retry_at = null
      where id in (
        select id from jobs where status = 'retrying' and next_retry_at <= now()
        order by next_retry_at limit ${MOST_AT_ONCE}::integer for update skip locked
      )
      returning id
    ),
    told as (select ${tell("work")} from (select from due limit 1) as first)
    select id from due left join told on true`.execute(db);
  return rows.length;
}

const MOST_OF_EACH = 100;

const payers = {
  userId: sql`payers.user_id`,
  keyId: sql`nullif(payers.key_id, 0)`,
  projectId: sql`payers.project_id`,
};

/**
 * Blocked jobs may be claimed once every budget of theirs has room: of those with the same budgets, the oldest that fit
 * in the room, and no more than fit together. Answers how many.
 */
export async function unblock(db: Db): Promise<number> {
  const { rows } = await sql`
    with recursive payers as (
      ${nextPayers(sql`true`)}
      union all
      select next.* from payers cross join lateral ${nextPayers(sql`
        (project_id, user_id, coalesce(key_id, 0)) > (payers.project_id, payers.user_id, payers.key_id)`)} as next
    ),
    rooms as materialized (
      select payers.*, coalesce(${roomOf(payers, true)}, 'infinity') as room from payers
    ),
    fitting as materialized (
      select id, room, sum(needed) over (partition by project_id, user_id, key_id order by id) as needed
      from rooms cross join lateral (
        select id, greatest(1, needed_pico) as needed from jobs
        where status = 'blocked' and project_id = rooms.project_id and user_id = rooms.user_id
          and coalesce(key_id, 0) = rooms.key_id and greatest(1, needed_pico) <= rooms.room
        order by id limit ${MOST_OF_EACH}::integer
      ) as job
    ),
    able as (
      update jobs set status = 'pending', failure_reason = null, run_at = now()
      where id in (
        select id from jobs where status = 'blocked' and id in (select id from fitting where needed <= room)
        order by id for update skip locked
      )
      returning id
    ),
    told as (select ${tell("work")} from (select from able limit 1) as first)
    select id from able left join told on true`.execute(db);
  return rows.length;
}

/** SQL: the first of whom blocked jobs are paid by, in the order of the index; `key_id` 0: without a key. */
function nextPayers(behind: RawBuilder<unknown>) {
  return sql`(
    select project_id, user_id, coalesce(key_id, 0) as key_id from jobs
    where status = 'blocked' and ${behind}
    order by project_id, user_id, coalesce(key_id, 0) limit 1
  )`;
}
