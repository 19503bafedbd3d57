import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Reply } from "./assistant.reply.ts";

/** An answer as it is kept: with the model that wrote it. */
export type KeptAnswer = Reply & { readonly model: string };

type Deps = { readonly db: Db; readonly clock: Clock };

/** What was answered to this question, unless its time is over. */
export async function findAnswer({ db, clock }: Deps, digest: Uint8Array): Promise<KeptAnswer | undefined> {
  const row = await db
    .selectFrom("assistant_answers")
    .select("answer")
    .where("digest", "=", digest)
    .where("expires_at", ">", new Date(clock.now()))
    .executeTakeFirst();
  return row?.answer as KeptAnswer | undefined;
}

/** Keeps an answer for `ttlMs`, unless its user has been erased meanwhile. */
export async function keepAnswer(
  { db, clock }: Deps,
  { digest, userId, ttlMs }: { readonly digest: Uint8Array; readonly userId: string; readonly ttlMs: number },
  answer: KeptAnswer,
): Promise<void> {
  await sql`
    insert into assistant_answers (digest, user_id, answer, expires_at)
    select ${digest}::bytea, id, ${JSON.stringify(answer)}::json, ${new Date(clock.now() + ttlMs)}::timestamptz
    from users where id = ${userId} and erased_at is null for share
    on conflict (digest) do update set answer = excluded.answer, expires_at = excluded.expires_at`.execute(
    db,
  );
}

/** Forgets what is over. */
export async function sweepAnswers({ db, clock }: Deps): Promise<void> {
  await db.deleteFrom("assistant_answers").where("expires_at", "<=", new Date(clock.now())).execute();
}

/** Forgets what a user was answered. */
export async function eraseAnswers(tx: Tx, userId: string): Promise<void> {
  await tx.deleteFrom("assistant_answers").where("user_id", "=", userId).execute();
}
