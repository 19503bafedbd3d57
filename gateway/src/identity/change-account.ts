import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { type Account, endSetupOffer, findAccount } from "./accounts.ts";
import type { Passwords } from "./passwords.ts";
import type { Role } from "./principal.ts";
import { revokeKeysOfUser } from "./revoke-keys.ts";
import { endSessions } from "./sessions.ts";

type Deps = { readonly db: Db; readonly change: Change; readonly clock: Clock };

/**
 * Changes a user's role, or shuts a user out and in again; their sessions end. Throws NOT_FOUND for an unknown user,
 * FORBIDDEN for oneself (nobody changes their own role), CONFLICT if no administrator would be left.
 */
export async function changeAccount(
  { db, change, clock }: Deps,
  cause: Cause,
  userId: string,
  wanted: { readonly role?: Role | undefined; readonly active?: boolean | undefined },
): Promise<Account> {
  if (cause.actor.id === userId) {
    throw new TollgateError("FORBIDDEN", undefined, { message: "Nobody changes their own role." });
  }
  await change(cause, async (tx, note) => {
    const before = await lockUser(tx, userId);
    const after = { role: wanted.role ?? before.role, active: wanted.active ?? before.active };
    if (isAdministrator(before) && !isAdministrator(after)) await keepAnAdministrator(tx, userId);
    await tx.updateTable("users").set(after).where("id", "=", userId).execute();
    if (after.role === "admin") await endSetupOffer(tx);
    const target = { type: "user", id: userId };
    if (after.role !== before.role) {
      note({ action: "user.role_change", target, changes: { role: [before.role, after.role] } });
    }
    if (after.active !== before.active) {
      const action = after.active ? "user.activate" : "user.deactivate";
      note({ action, target, changes: { active: [before.active, after.active] } });
    }
    if (after.role !== before.role || (before.active && !after.active)) {
      await endSessions(tx, note, userId, "all", { reason: "account changed", now: clock.now() });
    }
  });
  return (await findAccount(db, userId))!;
}

/**
 * Sets a new password; every session but `sessionId` ends. False if `currentPassword` is wrong, or was changed
 * meanwhile. Throws OVERLOADED when too many passwords are being hashed.
 */
export async function changePassword(
  { db, change, clock, passwords }: Deps & { readonly passwords: Passwords },
  cause: Cause,
  wanted: {
    readonly userId: string;
    readonly sessionId: string;
    readonly currentPassword: string;
    readonly newPassword: string;
  },
): Promise<boolean> {
  const { userId, sessionId } = wanted;
  const user = await db
    .selectFrom("users")
    .select("password_hash")
    .where("id", "=", userId)
    .executeTakeFirstOrThrow();
  const { matches } = await passwords.verify(user.password_hash, wanted.currentPassword);
  if (!matches) return false;
  const passwordHash = await passwords.hash(wanted.newPassword);
  return change(cause, async (tx, note) => {
    const { numUpdatedRows } = await tx
      .updateTable("users")
      .set({ password_hash: passwordHash })
      .where("id", "=", userId)
      .where("password_hash", "=", user.password_hash)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return false;
    note({ action: "user.password_change", target: { type: "user", id: userId } });
    await endSessions(
      tx,
      note,
      userId,
      { except: sessionId },
      { reason: "password changed", now: clock.now() },
    );
    return true;
  });
}

/** An administrator's way out for who lost a password: sets `passwordHash`, ends every session. Throws NOT_FOUND. */
export function resetPassword(
  { change, clock }: Pick<Deps, "change" | "clock">,
  cause: Cause,
  userId: string,
  passwordHash: string,
): Promise<void> {
  return change(cause, async (tx, note) => {
    await lockUser(tx, userId);
    await tx.updateTable("users").set({ password_hash: passwordHash }).where("id", "=", userId).execute();
    note({ action: "user.password_change", target: { type: "user", id: userId }, reason: "reset" });
    await endSessions(tx, note, userId, "all", { reason: "password reset", now: clock.now() });
  });
}

/**
 * Erases what is personal: address, name, password, linked accounts, sessions, and their part of the audit log. The
 * id stays, for the ledger's sake, and may not come in again. Throws as `changeAccount` does.
 */
export function eraseUser(
  deps: Pick<Deps, "change" | "clock"> & {
    readonly chance: Chance;
    readonly erasePersonal: (tx: Tx, userId: string) => Promise<number>;
  },
  cause: Cause,
  userId: string,
): Promise<void> {
  if (cause.actor.id === userId) {
    throw new TollgateError("FORBIDDEN", undefined, { message: "Ask another administrator." });
  }
  const { change, clock } = deps;
  return change(cause, async (tx, note) => {
    const before = await lockUser(tx, userId);
    if (isAdministrator(before)) await keepAnAdministrator(tx, userId);
    const nothing = { email: null, email_norm: null, password_hash: null, email_verified_at: null };
    await tx
      .updateTable("users")
      .set({ ...nothing, name: "erased", role: "viewer", active: false, erased_at: new Date(clock.now()) })
      .where("id", "=", userId)
      .execute();
    await revokeKeysOfUser(tx, note, userId, { reason: "user erased", now: clock.now() });
    await tx.deleteFrom("linked_accounts").where("user_id", "=", userId).execute();
    await tx.deleteFrom("sessions").where("user_id", "=", userId).execute();
    await deps.erasePersonal(tx, userId);
    note({ action: "user.erase", target: { type: "user", id: userId } });
  });
}

function isAdministrator({ role, active }: { readonly role: Role; readonly active: boolean }): boolean {
  return role === "admin" && active;
}

async function lockUser(tx: Tx, userId: string): Promise<{ role: Role; active: boolean }> {
  const row = await tx
    .selectFrom("users")
    .select(["role", "active"])
    .where("id", "=", userId)
    .where("erased_at", "is", null)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new TollgateError("NOT_FOUND");
  return row;
}

/** The lock on the one row of auth_state lets two administrators who demote each other go one after the other. */
async function keepAnAdministrator(tx: Tx, userId: string): Promise<void> {
  await tx.selectFrom("auth_state").select("id").forUpdate().execute();
  const other = await tx
    .selectFrom("users")
    .select("id")
    .where("role", "=", "admin")
    .where("active", "=", true)
    .where("id", "!=", userId)
    .limit(1)
    .executeTakeFirst();
  if (other === undefined) {
    throw new TollgateError("CONFLICT", undefined, { message: "This is the only administrator." });
  }
}
