import { type ExpressionBuilder, sql } from "kysely";
import { TollgateError } from "../lib/errors.ts";
import type { Db, Tables, Tx } from "../store/tables.ts";
import type { Thought, ThoughtAction } from "./thoughts.thought.ts";
import { wordsOf } from "./thoughts.words.ts";

/** The caller's own thoughts; another's are not found. */
export async function findThought(db: Db, userId: string, id: number): Promise<Thought | undefined> {
  const row = await thoughtsOf(db, userId).where("id", "=", id).executeTakeFirst();
  return row && thoughtFrom(row);
}

/** The newest first. @param before only those older than this one. */
export async function listThoughts(
  db: Db,
  userId: string,
  { before, limit }: { readonly before: number | undefined; readonly limit: number },
): Promise<readonly Thought[]> {
  const rows = await thoughtsOf(db, userId)
    .$if(before !== undefined, (query) => query.where("id", "<", before!))
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(thoughtFrom);
}

/** In the order of `ids`; what is gone meanwhile is left out. */
export async function readThoughts(
  db: Db,
  userId: string,
  ids: readonly number[],
): Promise<readonly Thought[]> {
  if (ids.length === 0) return [];
  const rows = await thoughtsOf(db, userId).where("id", "in", ids).execute();
  return rows.map(thoughtFrom).toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
}

/** All that a user wrote down, the oldest first, a section at a time. */
export async function* everyThought(db: Db, userId: string): AsyncGenerator<Thought, void, void> {
  for (let last = 0; ; ) {
    const rows = await thoughtsOf(db, userId).where("id", ">", last).orderBy("id").limit(200).execute();
    yield* rows.map(thoughtFrom);
    if (rows.length === 0) return;
    last = rows.at(-1)!.id;
  }
}

/** Keeps a text as it is; nobody has read it yet. Throws AUTH_INVALID for a user who was erased meanwhile. */
export async function keepThought(
  db: Db,
  { userId, text, source, now }: { userId: string; text: string; source: string | null; now: number },
): Promise<Thought> {
  const at = new Date(now);
  const words = searchable({ text, title: null, tags: [] });
  const { rows } = await sql<{ id: number }>`
    insert into thoughts (user_id, text, source, words, created_at, updated_at)
    select id, ${text}::text, ${source}::text, ${words}, ${at}::timestamptz, ${at}::timestamptz
    from users
    where id = ${userId} and erased_at is null
    for key share
    returning id`.execute(db);
  const thought = rows[0] && (await findThought(db, userId, rows[0].id));
  if (thought === undefined) throw new TollgateError("AUTH_INVALID");
  return thought;
}

/** False if there was no such thought. */
export async function deleteThought(db: Db, userId: string, id: number): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom("thoughts")
    .where("user_id", "=", userId)
    .where("id", "=", id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** Erases all that a user wrote down, and what was made of it. */
export async function eraseThoughts(tx: Tx, userId: string): Promise<number> {
  await tx.deleteFrom("thought_plans").where("user_id", "=", userId).execute();
  const { numDeletedRows } = await tx.deleteFrom("thoughts").where("user_id", "=", userId).executeTakeFirst();
  return Number(numDeletedRows);
}

/** What a thought is found by. */
export function searchable({ text, title, tags }: Pick<Thought, "text" | "title" | "tags">) {
  return sql<string>`array_to_tsvector(${wordsOf([text, title ?? "", ...tags].join("\n"))}::text[])`;
}

function thoughtsOf(db: Db, userId: string) {
  return db
    .selectFrom("thoughts")
    .select([
      ...(["id", "text", "source", "title", "tags", "people", "dates", "enriched"] as const),
      ...(["created_at", "updated_at"] as const),
    ])
    .select(actionsOf)
    .where("user_id", "=", userId);
}

function actionsOf(_: ExpressionBuilder<Tables, "thoughts">) {
  return sql<readonly ThoughtAction[]>`(
    select coalesce(json_agg(json_build_object(
      'id', id, 'text', text, 'done', done_at is not null, 'due', due
    ) order by id), '[]')
    from thought_actions
    where thought_id = thoughts.id
  )`.as("actions");
}

type Row = Omit<Thought, "createdAt" | "updatedAt"> & {
  readonly created_at: Date;
  readonly updated_at: Date;
};

function thoughtFrom({ created_at, updated_at, ...row }: Row): Thought {
  return { ...row, createdAt: created_at, updatedAt: updated_at };
}
