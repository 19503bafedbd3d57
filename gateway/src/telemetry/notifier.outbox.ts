import { sql } from "kysely";
import { type Clock, DAY_MS, isoTime } from "../lib/clock.ts";
import { type Chance, uuidv7 } from "../lib/ids.ts";
import type { DeliveriesTable } from "../store/tables.telemetry.ts";
import type { Db, Tx } from "../store/tables.ts";
import { concernedBy, type EventData, type EventType, type OutgoingEvent } from "./notifier.events.ts";

export type Destination = DeliveriesTable["destination"];

/**
 * Puts an event into the outbox, for every place that wants to hear of it, and among the live events: it is told if the
 * transaction commits, and not if it does not.
 */
export type Announce = (tx: Tx, type: EventType, data: EventData) => Promise<void>;

export function announcer(deps: {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where every event goes, beside the webhooks that ask for it. */
  readonly always: readonly Exclude<Destination, "webhook">[];
}): Announce {
  const { clock, chance, always } = deps;
  return async (tx, type, data) => {
    const now = clock.now();
    const event: OutgoingEvent = { id: uuidv7(now, chance), type, at: isoTime(now), data };
    const at = new Date(now);
    const text = JSON.stringify(event);
    const { projectId = null, teamId = null, userId = null, keyId = null } = concernedBy(type, data);
    await sql`
      with told as (
        insert into events (id, event, at, project_id, team_id, user_id)
        values (${event.id}::uuid, ${text}::text, ${at}::timestamptz, ${projectId}::bigint, ${teamId}::bigint,
          coalesce(${userId}::text, (select user_id from api_keys where id = ${keyId}::bigint)))
      )
      insert into deliveries (event_id, destination, webhook_id, event, created_at, due_at)
      select ${event.id}::uuid, destination, webhook_id, ${text}::text, ${at}::timestamptz, ${at}
      from (
        select destination, null::bigint as webhook_id from unnest(${always}::text[]) as destination
        union all
        select 'webhook', id from webhooks where ${type} = any(events)
      ) as place`.execute(tx);
  };
}

/** One event on its way to one place. */
export type Delivery = {
  readonly id: number;
  readonly destination: Destination;
  /** Of a webhook. */
  readonly webhookId: number | null;
  readonly url: string | null;
  readonly eventId: string;
  /** JSON text of an `OutgoingEvent`, exactly as it is sent. */
  readonly event: string;
  /** This one included. */
  readonly attempts: number;
  readonly createdAt: Date;
};

/** Where a delivery goes: a webhook of many, or the one place of its kind. */
export function placeOf({ destination, webhookId }: Pick<Delivery, "destination" | "webhookId">): string {
  return `${destination}:${webhookId ?? ""}`;
}

/**
 * Takes what is due and goes `to` where this process delivers, or is older than anybody should wait for; until
 * `leaseEnd` nobody else does.
 */
export async function takeDue(
  db: Db,
  options: {
    readonly now: number;
    readonly leaseEnd: number;
    readonly to: readonly Destination[];
    readonly most: number;
    /** Places that get nothing more now. */
    readonly busy: readonly string[];
  },
): Promise<readonly Delivery[]> {
  const { now, leaseEnd, to, most, busy } = options;
  const { rows } = await sql<Delivery>`
    update deliveries set attempts = attempts + 1, due_at = ${new Date(leaseEnd)}::timestamptz
    where id in (
      select id from deliveries where due_at <= ${new Date(now)}::timestamptz
        and (destination = any(${to}::text[]) or created_at < ${new Date(now - DAY_MS)}::timestamptz)
        and destination || ':' || coalesce(webhook_id::text, '') <> all(${busy}::text[])
      order by due_at, id limit ${most}::int for update skip locked
    )
    returning id, destination, webhook_id as "webhookId", event_id as "eventId", event, attempts,
      created_at as "createdAt", (select url from webhooks where webhooks.id = webhook_id) as url`.execute(
    db,
  );
  return rows.toSorted((a, b) => a.id - b.id);
}

/** It has arrived, or is given up. */
export async function dropDelivery(db: Db, id: number): Promise<void> {
  await db.deleteFrom("deliveries").where("id", "=", id).execute();
}

export async function postpone(db: Db, id: number, dueAt: number): Promise<void> {
  await db
    .updateTable("deliveries")
    .set({ due_at: new Date(dueAt) })
    .where("id", "=", id)
    .execute();
}
