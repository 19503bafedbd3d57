import { sql } from "kysely";
import { DAY_MS, utcDay } from "../lib/clock.ts";
import type { Db, Tx } from "../store/tables.ts";

const DAYS_AHEAD = 7;

/**
 * Gives the ledger a partition for the UTC day that `now` (milliseconds since the epoch) lies in and for each of a
 * week after it, unless it has one. Answers how many it made. Settling goes on meanwhile, and never needs one: a day
 * without a partition goes to the default one, and a day that lies there already stays there. A partition that would
 * have to wait for others is left for the next time.
 */
export async function makePartitions(db: Db, now: number): Promise<number> {
  let made = 0;
  for (let ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
    const day = utcDay(now + ahead * DAY_MS);
    if (await hasPlace(db, day)) continue;
    made += await orLater(makePartition(db, day), 0);
  }
  return made;
}

/** The name of a day's own partition. */
export function partitionOf(day: string): string {
  return `prompt_runs_${day.replaceAll("-", "")}`;
}

/** Inside a transaction: whoever holds a lock that is asked for keeps it; `orLater` ends the work quietly. */
export async function waitForNobody(tx: Tx): Promise<void> {
  await sql`set local lock_timeout = '100ms'`.execute(tx);
}

/** `later` if the work met a lock of somebody else's, or somebody else's work. */
export async function orLater<T>(work: Promise<T>, later: T): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (inTheWay.has((error as { readonly code?: unknown }).code)) return later;
    throw error;
  }
}

/**
 * lock_not_available; check_violation: a row has just gone to the default partition; invalid_object_definition: the
 * day lies among those from before there were partitions.
 */
const inTheWay: ReadonlySet<unknown> = new Set(["55P03", "23514", "42P17"]);

/** Whether the day has a partition of its own. */
export async function hasPartition(db: Db | Tx, day: string): Promise<boolean> {
  const { rows } = await sql`
    select from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'prompt_runs'::regclass and relname = ${partitionOf(day)}`.execute(db);
  return rows.length > 0;
}

/** A partition of its own, or rows in another one. */
async function hasPlace(db: Db | Tx, day: string): Promise<boolean> {
  if (await hasPartition(db, day)) return true;
  const { rows } = await sql`select from prompt_runs where day = ${day}::date limit 1`.execute(db);
  return rows.length > 0;
}

/** Attaching locks nothing but the default partition, while it is looked through, and that is next to empty. */
async function makePartition(db: Db, day: string): Promise<number> {
  const name = sql.id(partitionOf(day));
  const nextDay = utcDay(Date.parse(day) + DAY_MS);
  return db.transaction().execute(async (tx) => {
    await waitForNobody(tx);
    await sql`select pg_advisory_xact_lock(hashtext('tollgate ledger partitions'))`.execute(tx);
    if (await hasPlace(tx, day)) return 0;
    await sql`create table ${name} (like prompt_runs including all)`.execute(tx);
    await sql`alter table prompt_runs attach partition ${name}
      for values from (${sql.lit(day)}) to (${sql.lit(nextDay)})`.execute(tx);
    return 1;
  });
}
