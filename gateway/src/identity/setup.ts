import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change, Noted } from "../telemetry/change.ts";
import { type Account, insertAccount, newUserId } from "./accounts.ts";
import { endSetupOffer, hasAdministrator, lockAuthState } from "./administrators.ts";
import { normalisedEmail } from "./email.ts";
import { newKey } from "./key.ts";
import type { Passwords } from "./passwords.ts";
import { revokeKeysOfUser } from "./revoke-keys.ts";
import { endSessions } from "./sessions.ts";

type SetupDeps = {
  readonly db: Db;
  readonly change: Change;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly passwords: Passwords;
  readonly pepper: Uint8Array;
};

export type NewAdministrator = { readonly email: string; readonly name: string; readonly password: string };

/**
 * Makes the one-time token that lets its bearer become the first administrator (I10). Only its digest is stored.
 * Undefined if there is an administrator, or it was offered before: of several instances one makes the offer. To
 * `renew` replaces an offer whose token was lost.
 */
export async function offerSetup(
  deps: { db: Db; chance: Chance; pepper: Uint8Array },
  { renew = false }: { readonly renew?: boolean } = {},
): Promise<string | undefined> {
  return deps.db.transaction().execute(async (tx) => {
    const { setupDigest } = await lockAuthState(tx);
    if ((setupDigest !== null && !renew) || (await hasAdministrator(tx))) return undefined;
    const token = newKey("it", deps.chance);
    await tx
      .updateTable("auth_state")
      .set({ setup_digest: hmacSha256(deps.pepper, token) })
      .execute();
    return token;
  });
}

/**
 * Makes the first administrator and ends the offer for ever. The row lock lets one of any number of concurrent
 * callers win; the others, and everybody later, get NOT_FOUND. A wrong token: AUTH_INVALID, and the offer stands.
 * Somebody who registered with that address before loses every way in.
 */
export async function setUp(
  deps: SetupDeps,
  cause: Cause,
  { token, ...wanted }: NewAdministrator & { readonly token: string },
): Promise<Account> {
  const offered = await deps.db.selectFrom("auth_state").select("setup_digest").executeTakeFirstOrThrow();
  if (offered.setup_digest === null) throw new TollgateError("NOT_FOUND");
  const digest = hmacSha256(deps.pepper, token);
  if (!sameSecret(digest, offered.setup_digest)) throw new TollgateError("AUTH_INVALID");
  const passwordHash = await deps.passwords.hash(wanted.password);
  return deps.change(cause, async (tx, note) => {
    await displaceHolder(tx, note, wanted.email, deps.clock.now());
    const { setupDigest } = await lockAuthState(tx);
    if (setupDigest === null || !sameSecret(digest, setupDigest)) throw new TollgateError("NOT_FOUND");
    return makeAdministrator(tx, note, deps, { ...wanted, passwordHash });
  });
}

/**
 * Makes the administrator whom the settings name, unless there is one: of several instances that start, one does it.
 * Undefined: there was an administrator.
 */
export async function bootstrapAdministrator(
  deps: Omit<SetupDeps, "pepper">,
  cause: Cause,
  { email, name, password }: NewAdministrator,
): Promise<Account | undefined> {
  if (await hasAdministrator(deps.db)) return undefined;
  const passwordHash = await deps.passwords.hash(password);
  const made = deps.change(cause, async (tx, note) => {
    await displaceHolder(tx, note, email, deps.clock.now());
    await lockAuthState(tx);
    if (await hasAdministrator(tx)) throw new TollgateError("CONFLICT");
    return makeAdministrator(tx, note, deps, { email, name, passwordHash });
  });
  return made.catch((error: unknown) => {
    if (error instanceof TollgateError && error.code === "CONFLICT") return undefined;
    throw error;
  });
}

async function makeAdministrator(
  tx: Tx,
  note: (event: Noted) => void,
  { clock, chance }: Pick<SetupDeps, "clock" | "chance">,
  { email, name, passwordHash }: { email: string; name: string; passwordHash: string },
): Promise<Account> {
  const wanted = { email, name, role: "admin", passwordHash, isEmailVerified: true } as const;
  const account = await insertAccount(tx, newUserId(chance), wanted, clock.now());
  await endSetupOffer(tx);
  note({
    action: "user.create",
    target: { type: "user", id: account.id },
    changes: { role: [null, "admin"] },
    person: { userId: account.id, email },
  });
  return account;
}

/** Whoever holds the address without being an administrator is shut out. */
async function displaceHolder(
  tx: Tx,
  note: (event: Noted) => void,
  email: string,
  now: number,
): Promise<void> {
  const holder = await tx
    .selectFrom("users")
    .select("id")
    .where("email_norm", "=", normalisedEmail(email))
    .where("role", "!=", "admin")
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (holder === undefined) return;
  const reason = "address of the administrator";
  await endSessions(tx, note, holder.id, "all", { reason, now });
  await revokeKeysOfUser(tx, note, holder.id, { reason, now });
  await tx.deleteFrom("linked_accounts").where("user_id", "=", holder.id).execute();
  const nobody = { email: null, email_norm: null, password_hash: null, active: false };
  await tx.updateTable("users").set(nobody).where("id", "=", holder.id).execute();
  note({ action: "user.deactivate", target: { type: "user", id: holder.id }, reason });
}
