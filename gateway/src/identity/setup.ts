import { hash } from "@node-rs/argon2";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { Db } from "../store/tables.ts";
import { newKey } from "./key.ts";
import { raiseEpoch } from "./users.ts";

export type NewAdministrator = {
  readonly token: string;
  readonly email: string;
  readonly name: string;
  readonly password: string;
};

export type Administrator = { readonly id: string; readonly email: string; readonly name: string };

/** OWASP's minimum for argon2id. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Makes the one-time token that lets its bearer become the first administrator (I10). Only its digest is stored.
 * Undefined if it was offered before, or there is an administrator: of several instances one makes the offer.
 */
export async function offerSetup(deps: {
  db: Db;
  chance: Chance;
  pepper: Uint8Array;
}): Promise<string | undefined> {
  const token = newKey("it", deps.chance);
  const offered = await deps.db
    .updateTable("auth_state")
    .set({ setup_digest: hmacSha256(deps.pepper, token) })
    .where("setup_digest", "is", null)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom("users").select("id").where("role", "=", "admin"))),
    )
    .returning("id")
    .executeTakeFirst();
  return offered === undefined ? undefined : token;
}

/**
 * Makes the first administrator and ends the offer for ever. The row lock lets one of any number of concurrent
 * callers win; the others, and everybody later, get NOT_FOUND. A wrong token: AUTH_INVALID, and the offer stands.
 */
export async function setUp(
  deps: { db: Db; clock: Clock; chance: Chance; pepper: Uint8Array },
  wanted: NewAdministrator,
): Promise<Administrator> {
  const { db, clock, chance, pepper } = deps;
  const offered = await db.selectFrom("auth_state").select("setup_digest").executeTakeFirstOrThrow();
  if (offered.setup_digest === null) throw new TollgateError("NOT_FOUND");
  if (!sameSecret(hmacSha256(pepper, wanted.token), offered.setup_digest))
    throw new TollgateError("AUTH_INVALID");
  const password_hash = await hash(wanted.password.normalize("NFKC"), ARGON2);
  const id = `usr_${Buffer.from(chance.bytes(12)).toString("hex")}`;
  return db.transaction().execute(async (tx) => {
    const { setup_digest } = await tx
      .selectFrom("auth_state")
      .select("setup_digest")
      .forUpdate()
      .executeTakeFirstOrThrow();
    if (setup_digest === null) throw new TollgateError("NOT_FOUND");
    await tx
      .insertInto("users")
      .values({
        id,
        email: wanted.email,
        email_norm: normalisedEmail(wanted.email),
        name: wanted.name,
        role: "admin",
        password_hash,
        created_at: new Date(clock.now()),
      })
      .execute();
    await tx.updateTable("auth_state").set({ setup_digest: null }).execute();
    await raiseEpoch(tx);
    return { id, email: wanted.email, name: wanted.name };
  });
}

/** What makes two spellings the same address: trimmed, NFC, ASCII in lower case. */
export function normalisedEmail(email: string): string {
  return email
    .trim()
    .normalize("NFC")
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
