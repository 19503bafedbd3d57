import { sql } from "kysely";
import type { Db } from "../store/tables.ts";

/** The channel on which it is said that there are new events. */
export const EVENTS_CHANNEL = "events";

/** How far somebody has read: up to the event `seq` of the transaction `tx`. */
export type Place = readonly [tx: number, seq: number];

/** An event on its way to whoever is connected. Whom it concerns: a project, a team, a user, or nobody in particular. */
export type LiveEvent = {
  readonly place: Place;
  readonly id: string;
  /** JSON text, exactly as webhooks get it. */
  readonly text: string;
  readonly projectId: number | null;
  readonly teamId: number | null;
  readonly userId: string | null;
};

export type EventPage = {
  readonly events: readonly LiveEvent[];
  /** Everything up to here is read: nothing will ever appear before it. */
  readonly upTo: Place;
  /** There may be more to read at once. */
  readonly isFull: boolean;
  /** There are events that wait for a transaction that began before theirs. */
  readonly isHeld: boolean;
};

export function isBehind([tx, seq]: Place, [otherTx, otherSeq]: Place): boolean {
  return tx < otherTx || (tx === otherTx && seq < otherSeq);
}

/** The oldest transaction that still runs: what those before it wrote is all there. */
const oldestRunning = sql`pg_snapshot_xmin(pg_current_snapshot())`;

/** Up to `most` events behind a place, in the order in which everybody is told of them. */
export async function eventsAfter(db: Db, [tx, seq]: Place, most: number): Promise<EventPage> {
  type Row = Omit<LiveEvent, "place"> & { tx: number; seq: number; horizon: number; isHeld: boolean };
  type Found = Row | { readonly [K in keyof Row]: K extends "horizon" | "isHeld" ? Row[K] : null };
  const { rows } = await sql<Found>`
    select now_running.*, found.*
    from (
      select ${oldestRunning}::text::bigint as horizon,
        exists (select from events where tx >= ${oldestRunning}) as "isHeld"
    ) as now_running
    left join lateral (
      select tx::text::bigint as tx, seq, id, event as text, project_id as "projectId", team_id as "teamId",
        user_id as "userId"
      from events where (tx, seq) > (${String(tx)}::text::xid8, ${seq}::bigint) and tx < ${oldestRunning}
      order by events.tx, seq limit ${most}::integer
    ) as found on true`.execute(db);
  const events = rows.flatMap((row) => {
    if (row.id === null) return [];
    const { tx, seq, horizon: _, isHeld: __, ...event } = row;
    return [{ ...event, place: [tx, seq] as const }];
  });
  const { horizon, isHeld } = rows[0]!;
  const isFull = events.length === most;
  return { events, upTo: isFull ? events.at(-1)!.place : [horizon, 0], isFull, isHeld };
}

/** Where those begin who want to hear only of what is to come. */
export async function presentPlace(db: Db): Promise<Place> {
  const { rows } = await sql<{ horizon: number }>`select ${oldestRunning}::text::bigint as horizon`.execute(
    db,
  );
  return [rows[0]!.horizon, 0];
}

/**
 * Where somebody goes on who has read up to this event; undefined if it is kept no more, or is of another database that
 * this one was restored from.
 */
export async function placeOfEvent(db: Db, id: string): Promise<Place | undefined> {
  const { rows } = await sql<{ tx: number; seq: number }>`
    select tx::text::bigint as tx, seq from events where id = ${id}::uuid and tx < ${oldestRunning}`.execute(
    db,
  );
  return rows[0] && [rows[0].tx, rows[0].seq];
}

/**
 * Forgets events of another database that this one was restored from: of transactions that this one has not come to,
 * so that nobody would be told of them, and all that comes would wait for them. Answers how many.
 */
export async function forgetForeignEvents(db: Db): Promise<number> {
  const { rows } = await sql`
    delete from events where tx >= pg_snapshot_xmax(pg_current_snapshot()) returning 1`.execute(db);
  return rows.length;
}

const MOST_AT_ONCE = 10_000;

/**
 * Forgets events from the oldest on, up to the first that is not older than `before`: whoever finds an event, finds
 * everything behind it. Answers how many.
 */
export async function forgetEvents(db: Db, before: number): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const { rows } = await sql`
      with kept as (select tx, seq from events where at >= ${new Date(before)}::timestamptz order by tx, seq limit 1),
        over as (
          select tx, seq from events
          where not exists (select from kept) or (tx, seq) < (select tx, seq from kept)
          order by tx, seq limit ${MOST_AT_ONCE}::integer
        )
      delete from events using over where events.tx = over.tx and events.seq = over.seq
      returning 1`.execute(db);
    forgotten += rows.length;
    if (rows.length < MOST_AT_ONCE) return forgotten;
  }
}
