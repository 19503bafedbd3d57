import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import { endSetupOffer } from "./administrators.ts";
import { normalisedEmail } from "./email.ts";
import type { Role } from "./principal.ts";

/** What may be shown of a user: never a password's hash. */
export type Account = {
  readonly id: string;
  readonly email: string | null;
  readonly name: string;
  readonly role: Role;
  readonly active: boolean;
  /** Null: the default plan. */
  readonly plan: string | null;
  readonly createdAt: Date;
  readonly lastLoginAt: Date | null;
};

export type NewAccount = {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly passwordHash: string | null;
  /** Somebody vouches that the address is the user's: an administrator, or the issuer of an ID token. */
  readonly isEmailVerified: boolean;
};

type AccountDeps = { readonly change: Change; readonly clock: Clock; readonly chance: Chance };

/** Makes a user. Throws EMAIL_TAKEN if somebody has the address, however it is spelt. */
export async function createAccount(
  { change, clock, chance }: AccountDeps,
  cause: Cause,
  wanted: NewAccount,
): Promise<Account> {
  return change(cause, async (tx, note) => {
    const account = await insertAccount(tx, newUserId(chance), wanted, clock.now());
    if (account.role === "admin") await endSetupOffer(tx);
    note({
      action: "user.create",
      target: { type: "user", id: account.id },
      changes: { role: [null, account.role] },
      person: { userId: account.id, email: wanted.email },
    });
    return account;
  });
}

/** The same, inside a transaction that notes it itself. */
export async function insertAccount(
  tx: Tx,
  id: string,
  { email, name, role, passwordHash, isEmailVerified }: NewAccount,
  now: number,
): Promise<Account> {
  const at = new Date(now);
  const row = await tx
    .insertInto("users")
    .values({
      id,
      email: email.trim(),
      email_norm: normalisedEmail(email),
      name,
      role,
      password_hash: passwordHash,
      created_at: at,
      email_verified_at: isEmailVerified ? at : null,
    })
    .onConflict((conflict) => conflict.column("email_norm").doNothing())
    .returning(shownColumns)
    .executeTakeFirst();
  if (row === undefined) throw new TollgateError("EMAIL_TAKEN");
  return shown(row);
}

export function newUserId(chance: Chance): string {
  return `usr_${Buffer.from(chance.bytes(12)).toString("hex")}`;
}

/** What a newcomer hears where only administrators make accounts. */
export function registrationClosed(): TollgateError {
  return new TollgateError("FORBIDDEN", undefined, {
    message: "Registration is closed here. Ask an administrator for an account.",
  });
}

export async function findAccount(db: Db, id: string): Promise<Account | undefined> {
  const row = await db
    .selectFrom("users")
    .select(shownColumns)
    .where("id", "=", id)
    .where("erased_at", "is", null)
    .executeTakeFirst();
  return row === undefined ? undefined : shown(row);
}

export async function findAccountByEmail(db: Db, email: string): Promise<Account | undefined> {
  const row = await db
    .selectFrom("users")
    .select(shownColumns)
    .where("email_norm", "=", normalisedEmail(email))
    .executeTakeFirst();
  return row === undefined ? undefined : shown(row);
}

/** Accounts in the order of their ids, from behind `after` on. */
export async function listAccounts(
  db: Db,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly Account[]> {
  const rows = await db
    .selectFrom("users")
    .select(shownColumns)
    .where("erased_at", "is", null)
    .where("id", ">", after ?? "")
    .orderBy("id")
    .limit(limit)
    .execute();
  return rows.map(shown);
}

const shownColumns = [
  "id",
  "email",
  "name",
  "role",
  "active",
  "plan",
  "created_at",
  "last_login_at",
] as const;

function shown(row: {
  id: string;
  email: string | null;
  name: string;
  role: Role;
  active: boolean;
  plan: string | null;
  created_at: Date;
  last_login_at: Date | null;
}): Account {
  const { created_at: createdAt, last_login_at: lastLoginAt, ...same } = row;
  return { ...same, createdAt, lastLoginAt };
}
