import { TollgateError } from "../lib/errors.ts";
import type { Tx } from "../store/tables.ts";
import type { Cause, Noted } from "../telemetry/change.ts";
import { insertAccount, newUserId, registrationClosed } from "./accounts.ts";
import { normalisedEmail } from "./email.ts";
import type { Identified } from "./id-token.ts";
import { revokeKeysOfUser } from "./revoke-keys.ts";
import { endSessions, type Source } from "./sessions.ts";
import { openSession, type SignedIn, type SignInDeps, signedIn } from "./sign-in.ts";

type Note = (event: Noted) => void;

/**
 * Signs in who an ID token identifies, by the issuer's name for the person alone. The first time, an account is made,
 * or the one with the same address is linked if the issuer runs that mailbox. Undefined for a user who was shut out.
 * Throws ACCOUNT_EXISTS for an address that the issuer only knows from hearsay or has given to somebody else before,
 * FORBIDDEN if registration is closed.
 */
export async function signInWithAccount(
  deps: SignInDeps & { readonly isRegistrationOpen: boolean },
  cause: Cause,
  identified: Identified,
  source: Source,
): Promise<SignedIn | undefined> {
  const open = () =>
    deps.change(cause, async (tx, note) => {
      const userId = (await linkedUser(tx, identified)) ?? (await link(tx, note, deps, identified));
      const user = await tx
        .selectFrom("users")
        .select("active")
        .where("id", "=", userId)
        .forNoKeyUpdate()
        .executeTakeFirst();
      if (user?.active !== true) return undefined;
      return openSession(tx, note, deps, { userId, method: "google", source });
    });
  // Of first sign-ins that come at once, one makes the account and the others find it.
  const opened = await open().catch((error: unknown) => {
    if (error instanceof TollgateError && error.code === "EMAIL_TAKEN") return open();
    throw error;
  });
  return opened === undefined ? undefined : signedIn(deps, opened);
}

async function linkedUser(tx: Tx, { issuer, subject }: Identified): Promise<string | undefined> {
  const row = await tx
    .selectFrom("linked_accounts")
    .select("user_id")
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .executeTakeFirst();
  return row?.user_id;
}

async function link(
  tx: Tx,
  note: Note,
  deps: SignInDeps & { readonly isRegistrationOpen: boolean },
  identified: Identified,
): Promise<string> {
  const { issuer, subject, email } = identified;
  const now = deps.clock.now();
  const holder = await tx
    .selectFrom("users")
    .select(["id", "email_verified_at"])
    .where("email_norm", "=", normalisedEmail(email))
    .forNoKeyUpdate()
    .executeTakeFirst();
  const isHolder =
    holder === undefined || (identified.isAuthoritative && !(await isOthers(tx, identified, holder.id)));
  if (!isHolder) throw new TollgateError("ACCOUNT_EXISTS");
  const userId = holder?.id ?? (await newcomer(tx, note, deps, identified));
  if (holder !== undefined && holder.email_verified_at === null) await expel(tx, note, userId, now);
  await tx
    .insertInto("linked_accounts")
    .values({ issuer, subject, user_id: userId, linked_at: new Date(now) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  note({
    action: "user.link_account",
    target: { type: "user", id: userId },
    reason: issuer,
    person: { userId, email },
  });
  return userId;
}

/** Mailboxes change hands: who is known to this issuer under another name is not the one who comes now. */
async function isOthers(tx: Tx, { issuer, subject }: Identified, userId: string): Promise<boolean> {
  const row = await tx
    .selectFrom("linked_accounts")
    .select("subject")
    .where("issuer", "=", issuer)
    .where("subject", "!=", subject)
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return row !== undefined;
}

async function newcomer(
  tx: Tx,
  note: Note,
  deps: SignInDeps & { readonly isRegistrationOpen: boolean },
  { email, name, isAuthoritative }: Identified,
): Promise<string> {
  if (!deps.isRegistrationOpen) throw registrationClosed();
  const account = await insertAccount(
    tx,
    newUserId(deps.chance),
    { email, name, role: "developer", passwordHash: null, isEmailVerified: isAuthoritative },
    deps.clock.now(),
  );
  note({
    action: "user.create",
    target: { type: "user", id: account.id },
    changes: { role: [null, account.role] },
    person: { userId: account.id, email },
  });
  return account.id;
}

/**
 * Whoever registered with an address that was never theirs keeps nothing that opens the account once its owner comes:
 * no password, session, key or other link (pre-hijacking).
 */
async function expel(tx: Tx, note: Note, userId: string, now: number): Promise<void> {
  const verified = { password_hash: null, email_verified_at: new Date(now) };
  await tx.updateTable("users").set(verified).where("id", "=", userId).execute();
  await tx.deleteFrom("linked_accounts").where("user_id", "=", userId).execute();
  await endSessions(tx, note, userId, "all", { reason: "address proved by another", now });
  await revokeKeysOfUser(tx, note, userId, { reason: "address proved by another", now });
}
