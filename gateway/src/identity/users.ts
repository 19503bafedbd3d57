import { type Kysely, sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { WrittenLimits } from "../limits/plans.ts";
import type { Db, Tables } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { Role } from "./principal.ts";

export type User = { readonly id: string; readonly role: Role; readonly active: boolean };

/** Makes the users behind static tokens (I11): role developer, no sign-in. Existing users stay as they are. */
export async function ensureUsers(deps: { db: Db; clock: Clock }, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const createdAt = new Date(deps.clock.now());
  await deps.db
    .insertInto("users")
    .values(ids.map((id) => ({ id, name: id, role: "developer" as const, created_at: createdAt })))
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
}

/** What a user may use, as stored: the plan's name, its limits if they are stored, and limits set for this user. */
export type StoredAllowance = {
  readonly plan: string | null;
  readonly planLimits: WrittenLimits | null;
  readonly overrides: Readonly<Record<string, number>>;
};

/** A user that was not erased and the auth epoch it was read at, in one statement. */
export async function findUser(
  db: Db,
  id: string,
): Promise<(User & StoredAllowance & { epoch: number }) | undefined> {
  return db
    .selectFrom("users")
    .innerJoin("auth_state", (join) => join.onTrue())
    .leftJoin("plans", (join) => join.on("plans.name", "=", sql<string>`coalesce(users.plan, 'default')`))
    .where("users.id", "=", id)
    .where("users.erased_at", "is", null)
    .select(["users.id", "users.role", "users.active", "auth_state.auth_epoch as epoch"])
    .select(["users.plan", "plans.limits as planLimits", "users.limit_overrides as overrides"])
    .executeTakeFirst();
}

/** Drops every cached identity of every instance, once for each `epoch` above all earlier ones. */
export async function dropCachedIdentities(
  { change }: { change: Change },
  cause: Cause,
  epoch: number,
): Promise<void> {
  await change(cause, async (tx, note) => {
    const { numUpdatedRows } = await tx
      .updateTable("auth_state")
      .set({ key_cache_epoch: epoch })
      .where("key_cache_epoch", "<", epoch)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return;
    note({ action: "cache.drop", target: { type: "setting", id: "KEY_CACHE_EPOCH" }, reason: String(epoch) });
  });
}

/** The channel on which a grown auth epoch is announced. */
export const EPOCH_CHANNEL = "auth_epoch";

/**
 * Marks every cached identity as out of date. Call it in the transaction of the change that cached identities must
 * notice; instances hear of it when that commits. Returns the new epoch.
 */
export async function raiseEpoch(tx: Kysely<Tables>): Promise<number> {
  const { auth_epoch } = await tx
    .updateTable("auth_state")
    .set((row) => ({ auth_epoch: row("auth_epoch", "+", 1) }))
    .returning("auth_epoch")
    .executeTakeFirstOrThrow();
  await sql`select pg_notify(${EPOCH_CHANNEL}, ${String(auth_epoch)})`.execute(tx);
  return auth_epoch;
}

/** Brings the epoch up to at least `epoch`. */
export async function liftEpoch(db: Db, epoch: number): Promise<void> {
  await db.updateTable("auth_state").set({ auth_epoch: epoch }).where("auth_epoch", "<", epoch).execute();
}

export async function readEpoch(db: Db): Promise<number> {
  const { auth_epoch } = await db.selectFrom("auth_state").select("auth_epoch").executeTakeFirstOrThrow();
  return auth_epoch;
}

/** Names this database among all that may share a Redis; made with the database and copied with it. */
export async function readDeployment(db: Db): Promise<string> {
  const { deployment } = await db.selectFrom("auth_state").select("deployment").executeTakeFirstOrThrow();
  return deployment;
}
