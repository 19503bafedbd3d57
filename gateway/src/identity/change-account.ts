import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import type { HoldPlan } from "../limits/plans.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { type Account, findAccount } from "./accounts.ts";
import { endSetupOffer, hasAdministrator, lockAuthState } from "./administrators.ts";
import type { Passwords } from "./passwords.ts";
import type { Role } from "./principal.ts";
import { revokeKeysOfUser } from "./revoke-keys.ts";
import { deleteSessions, endSessions } from "./sessions.ts";

type Deps = { readonly db: Db; readonly change: Change; readonly clock: Clock };

/** `plan`: null is the default plan. */
export type AccountPatch = {
  readonly role?: Role | undefined;
  readonly active?: boolean | undefined;
  readonly plan?: string | null | undefined;
};

/**
 * Changes a user's role or plan, or shuts a user out and in again; with a role or without an account sessions end.
 * Throws NOT_FOUND for an unknown user, VALIDATION_FAILED for an unknown plan, FORBIDDEN for oneself (nobody changes
 * their own role), CONFLICT if no administrator would be left.
 */
export async function changeAccount(
  { db, change, clock, holdPlan }: Deps & { readonly holdPlan: HoldPlan },
  cause: Cause,
  userId: string,
  wanted: AccountPatch,
): Promise<Account> {
  if (cause.actor.id === userId && (wanted.role !== undefined || wanted.active !== undefined)) {
    throw new TollgateError("FORBIDDEN", undefined, { message: "Nobody changes their own role." });
  }
  await change(cause, async (tx, note) => {
    const before = await lockUser(tx, userId);
    if (wanted.plan != null) await holdPlan(tx, wanted.plan);
    const after = {
      role: wanted.role ?? before.role,
      active: wanted.active ?? before.active,
      plan: wanted.plan === undefined ? before.plan : wanted.plan,
    };
    await tx.updateTable("users").set(after).where("id", "=", userId).execute();
    const target = { type: "user", id: userId };
    if (after.role !== before.role) {
      note({ action: "user.role_change", target, changes: { role: [before.role, after.role] } });
    }
    if (after.active !== before.active) {
      const action = after.active ? "user.activate" : "user.deactivate";
      note({ action, target, changes: { active: [before.active, after.active] } });
    }
    if (after.plan !== before.plan) {
      note({ action: "limit.change", target, changes: { plan: [before.plan, after.plan] } });
    }
    if (after.role !== before.role || (before.active && !after.active)) {
      await endSessions(tx, note, userId, "all", { reason: "account changed", now: clock.now() });
    }
    if (isAdministrator(before) && !isAdministrator(after)) await demandAdministrator(tx);
    if (after.role === "admin") await endSetupOffer(tx);
  });
  const account = await findAccount(db, userId);
  if (account === undefined) throw new TollgateError("NOT_FOUND");
  return account;
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
    .executeTakeFirst();
  const { matches } = await passwords.verify(user?.password_hash, wanted.currentPassword);
  if (user === undefined || !matches) return false;
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
    await tx.deleteFrom("linked_accounts").where("user_id", "=", userId).execute();
    await deleteSessions(tx, userId);
    await revokeKeysOfUser(tx, note, userId, { reason: "user erased", now: clock.now() });
    // After the keys: a change of `email_norm` keeps out everybody who names the user, and some of them hold a key.
    const nothing = { email: null, email_norm: null, password_hash: null, email_verified_at: null };
    await tx
      .updateTable("users")
      .set({ ...nothing, name: "erased", role: "viewer", active: false, erased_at: new Date(clock.now()) })
      .where("id", "=", userId)
      .execute();
    if (isAdministrator(before)) await demandAdministrator(tx);
    await deps.erasePersonal(tx, userId);
    note({ action: "user.erase", target: { type: "user", id: userId } });
  });
}

function isAdministrator({ role, active }: { readonly role: Role; readonly active: boolean }): boolean {
  return role === "admin" && active;
}

async function lockUser(tx: Tx, userId: string): Promise<Pick<Account, "role" | "active" | "plan">> {
  const row = await tx
    .selectFrom("users")
    .select(["role", "active", "plan"])
    .where("id", "=", userId)
    .where("erased_at", "is", null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new TollgateError("NOT_FOUND");
  return row;
}

/** Comes last: of two administrators who demote each other, the second finds what the first has done. */
async function demandAdministrator(tx: Tx): Promise<void> {
  await lockAuthState(tx);
  if (await hasAdministrator(tx)) return;
  throw new TollgateError("CONFLICT", undefined, { message: "This is the only administrator." });
}
