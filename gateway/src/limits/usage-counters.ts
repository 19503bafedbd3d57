import { sql } from "kysely";
import type { Db } from "../store/tables.ts";

/** Durable counts of daily quotas whose subject is not an API key. */
export type UsageSubject = { readonly kind: string; readonly id: string };

export async function usageOf(db: Db, { kind, id }: UsageSubject, day: string): Promise<number> {
  const row = await db
    .selectFrom("usage_counters")
    .select("used")
    .where("subject_kind", "=", kind)
    .where("subject_id", "=", id)
    .where("day", "=", day)
    .executeTakeFirst();
  return row?.used ?? 0;
}

/** Takes `cost` if it fits below `limit`; answers what is then used, or undefined if it does not fit. */
export async function takeUsage(
  db: Db,
  { kind, id }: UsageSubject,
  day: string,
  { cost, limit }: { cost: number; limit: number },
): Promise<number | undefined> {
  if (cost > limit) return undefined;
  const { rows } = await sql<{ used: number }>`
    insert into usage_counters as counter (subject_kind, subject_id, day, used)
    values (${kind}, ${id}, ${day}, ${cost}::bigint)
    on conflict (subject_kind, subject_id, day) do update set used = counter.used + excluded.used
    where counter.used + excluded.used <= ${limit}::bigint
    returning used`.execute(db);
  return rows[0]?.used;
}

export async function giveBackUsage(db: Db, subject: UsageSubject, day: string, cost: number): Promise<void> {
  await sql`
    update usage_counters set used = greatest(0, used - ${cost}::bigint)
    where subject_kind = ${subject.kind} and subject_id = ${subject.id} and day = ${day}`.execute(db);
}

/** Nothing is used of this day, and what is still to be mirrored of before is not taken until `mirroredFrom`. */
export async function resetUsage(
  db: Db,
  { kind, id }: UsageSubject,
  day: string,
  mirroredFrom: Date,
): Promise<void> {
  await db
    .insertInto("usage_counters")
    .values({ subject_kind: kind, subject_id: id, day, used: 0, mirrored_from: mirroredFrom })
    .onConflict((conflict) =>
      conflict
        .columns(["subject_kind", "subject_id", "day"])
        .doUpdateSet({ used: 0, mirrored_from: mirroredFrom }),
    )
    .execute();
}

/** Writes absolute counts; the larger one of a day stays, and none from before a reset is taken. */
export async function mirrorUsage(
  db: Db,
  counts: readonly (UsageSubject & { readonly day: string; readonly used: number })[],
  now: Date,
): Promise<void> {
  await sql`
    insert into usage_counters as counter (subject_kind, subject_id, day, used)
    select kind, id, day, used from jsonb_to_recordset(${JSON.stringify(counts)}::jsonb)
      as mirrored (kind text, id text, day date, used bigint)
    order by kind, id, day
    on conflict (subject_kind, subject_id, day) do update set used = greatest(counter.used, excluded.used)
    where counter.mirrored_from is null or counter.mirrored_from <= ${now}::timestamptz`.execute(db);
}
