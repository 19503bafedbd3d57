import { sql } from "kysely";
import type { Db } from "../store/tables.ts";

/**
 * The daily quota of a chain of rotated keys: it stands with the first of them, whose id is the quota group. Calls made
 * on a UTC day, as PostgreSQL knows it; the shared counters are seeded from here (K9).
 */
export async function keyUsageOf(db: Db, quotaGroup: number, day: string): Promise<number> {
  const row = await db
    .selectFrom("api_keys")
    .select(["daily_usage", "usage_day"])
    .where("id", "=", quotaGroup)
    .executeTakeFirst();
  return row !== undefined && row.usage_day === day ? row.daily_usage : 0;
}

/** Takes `cost` from the daily quota itself; answers what is then used, or undefined if it does not fit. */
export async function takeKeyQuota(
  db: Db,
  quotaGroup: number,
  day: string,
  cost: number,
): Promise<number | undefined> {
  const { rows } = await sql<{ daily_usage: number }>`
    update api_keys
    set daily_usage = case when usage_day = ${day}::date then daily_usage else 0 end + ${cost}::int,
        usage_day = ${day}::date
    where id = ${quotaGroup}
      and (daily_quota is null
        or case when usage_day = ${day}::date then daily_usage else 0 end + ${cost}::int <= daily_quota)
    returning daily_usage`.execute(db);
  return rows[0]?.daily_usage;
}

/** @param limits `dailyQuota`: calls per UTC day; null: as many as wanted. `plan`: its name. */
export async function setKeyLimits(
  db: Db,
  quotaGroup: number,
  { dailyQuota, plan }: { readonly dailyQuota: number | null; readonly plan: string | null },
): Promise<void> {
  await db
    .updateTable("api_keys")
    .set({ daily_quota: dailyQuota, plan })
    .where("id", "=", quotaGroup)
    .execute();
}

/** Nothing is used of today, and what is still to be mirrored of before is not taken until `mirroredFrom`. */
export async function resetKeyUsage(
  db: Db,
  quotaGroup: number,
  day: string,
  mirroredFrom: Date,
): Promise<void> {
  await db
    .updateTable("api_keys")
    .set({ daily_usage: 0, usage_day: day, usage_mirrored_from: mirroredFrom })
    .where("id", "=", quotaGroup)
    .execute();
}

export async function giveBackKeyQuota(db: Db, quotaGroup: number, day: string, cost: number): Promise<void> {
  await sql`
    update api_keys set daily_usage = greatest(0, daily_usage - ${cost}::int)
    where id = ${quotaGroup} and usage_day = ${day}::date`.execute(db);
}

/** Writes absolute counts of a day. A smaller count or an older day never overwrites, nor one from before a reset. */
export async function mirrorKeyUsage(
  db: Db,
  counts: readonly { readonly id: number; readonly day: string; readonly used: number }[],
  now: Date,
): Promise<void> {
  await sql`
    with mirrored as (
        select * from jsonb_to_recordset(${JSON.stringify(counts)}::jsonb) as count (id bigint, day date, used int)
      ),
      held as (select id from api_keys where id in (select id from mirrored) order by id for no key update)
    update api_keys
    set daily_usage = case when usage_day = mirrored.day then greatest(daily_usage, mirrored.used) else mirrored.used end,
        usage_day = mirrored.day
    from held join mirrored on mirrored.id = held.id
    where api_keys.id = held.id and (usage_day is null or usage_day <= mirrored.day)
      and (usage_mirrored_from is null or usage_mirrored_from <= ${now}::timestamptz)`.execute(db);
}
