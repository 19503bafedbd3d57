import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Tx } from "../store/tables.ts";
import type { Actor, Cause } from "../telemetry/change.ts";

/**
 * Keeps a user as they are until the transaction ends, for a key that is made in their name: whoever shuts them out
 * comes before, and then nothing is made, or after, and then finds the key. Throws AUTH_INVALID if the user, session or
 * key that asks is not live any more, NOT_FOUND if the operator asks for a user who was erased.
 */
export async function holdOwner(
  { tx, clock }: { readonly tx: Tx; readonly clock: Clock },
  { actor }: Cause,
  ownerId: string,
): Promise<void> {
  const owner = await tx
    .selectFrom("users")
    .select("active")
    .where("id", "=", ownerId)
    .where("erased_at", "is", null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (actor.type === "user" || actor.type === "key" || actor.type === "static") {
    if (owner?.active === true && (await isLive(tx, clock, actor))) return;
    throw new TollgateError("AUTH_INVALID");
  }
  if (owner === undefined) throw new TollgateError("NOT_FOUND");
}

/** The same for the project that a key is bound to. Throws NOT_FOUND for one that is deleted or archived. */
export async function holdOpenProject(tx: Tx, projectId: number): Promise<void> {
  const project = await tx
    .selectFrom("projects")
    .select("id")
    .where("id", "=", projectId)
    .where("deleted_at", "is", null)
    .where("archived_at", "is", null)
    .forShare()
    .executeTakeFirst();
  if (project === undefined) throw new TollgateError("NOT_FOUND");
}

async function isLive(tx: Tx, clock: Clock, { sessionId, keyPrefix }: Actor): Promise<boolean> {
  const now = new Date(clock.now());
  if (sessionId !== undefined) {
    const session = await tx
      .selectFrom("sessions")
      .select("id")
      .where("id", "=", sessionId)
      .where("revoked_at", "is", null)
      .where("idle_expires_at", ">", now)
      .where("absolute_expires_at", ">", now)
      .executeTakeFirst();
    if (session === undefined) return false;
  }
  if (keyPrefix === undefined) return true;
  const key = await tx
    .selectFrom("api_keys as key")
    .innerJoin("users as owner", "owner.id", "key.user_id")
    .select("key.id")
    .where("key.prefix", "=", keyPrefix)
    .where("key.revoked_at", "is", null)
    .where(({ or, eb }) => or([eb("key.expires_at", "is", null), eb("key.expires_at", ">", now)]))
    .where("owner.active", "=", true)
    .executeTakeFirst();
  return key !== undefined;
}
