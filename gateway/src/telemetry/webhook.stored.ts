import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";
import type { Cause, Change } from "./change.ts";
import type { EventType } from "./notifier.events.ts";

/** Where events are sent beside ALERT_WEBHOOK_URL. */
export type Webhook = {
  readonly id: number;
  readonly url: string;
  readonly events: readonly EventType[];
  readonly createdAt: Date;
};

export function createWebhook(
  { change, clock }: { readonly change: Change; readonly clock: Clock },
  cause: Cause,
  wanted: { readonly url: string; readonly events: readonly EventType[] },
): Promise<Webhook> {
  const { url, events } = wanted;
  const createdAt = new Date(clock.now());
  return change(cause, async (tx, note) => {
    const { id } = await tx
      .insertInto("webhooks")
      .values({ url, events: [...events], created_at: createdAt, created_by: cause.actor.id })
      .returning("id")
      .executeTakeFirstOrThrow();
    note({
      action: "webhook.create",
      target: { type: "webhook", id: String(id) },
      changes: { host: [null, new URL(url).host], events: [null, events] },
    });
    return { id, url, events, createdAt };
  });
}

/** Oldest first, those after `after`. */
export async function listWebhooks(
  db: Db,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly Webhook[]> {
  const rows = await db
    .selectFrom("webhooks")
    .selectAll()
    .where("id", ">", after)
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    url: row.url,
    events: row.events as EventType[],
    createdAt: row.created_at,
  }));
}

/** What is still on its way to it goes with it. Throws NOT_FOUND. */
export async function deleteWebhook(
  { change }: { readonly change: Change },
  cause: Cause,
  id: number,
): Promise<void> {
  await change(cause, async (tx, note) => {
    const deleted = await tx.deleteFrom("webhooks").where("id", "=", id).returning("url").executeTakeFirst();
    if (deleted === undefined) throw new TollgateError("NOT_FOUND");
    note({
      action: "webhook.delete",
      target: { type: "webhook", id: String(id) },
      changes: { host: [new URL(deleted.url).host, null] },
    });
  });
}
