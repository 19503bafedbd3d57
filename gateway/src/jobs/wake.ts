import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { tell } from "./job.ts";
import { lacksRoom } from "./room.ts";

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

const waiting = {
  userId: sql`waiting.user_id`,
  keyId: sql`waiting.key_id`,
  projectId: sql`waiting.project_id`,
  neededPico: sql`waiting.needed_pico`,
};

/**
 * Blocked jobs may be claimed once every budget of theirs has room: of those with the same budgets, the oldest, and no
 * more than there is room for together. Answers how many.
 */
export async function unblock(db: Db): Promise<number> {
  const { rows } = await sql`
    with able as (
      update jobs set status = 'pending', failure_reason = null, run_at = now()
      where id in (
        select id from jobs where status = 'blocked' and id in (
          select id from (
            select id, user_id, key_id, project_id, row_number() over alike as place,
              sum(needed_pico) over alike as needed_pico
            from jobs where status = 'blocked'
            window alike as (partition by project_id, user_id, key_id order by id)
          ) as waiting
          where place <= ${MOST_OF_EACH}::integer and not ${lacksRoom(waiting, true)}
        )
        order by id for update skip locked
      )
      returning id
    ),
    told as (select ${tell("work")} from (select from able limit 1) as first)
    select id from able left join told on true`.execute(db);
  return rows.length;
}
