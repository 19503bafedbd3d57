import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { type Caller, type Level, requireLevel } from "./levels.ts";
import { findProject } from "./projects.ts";
import { findTeam } from "./teams.ts";

/** What has members. */
export type Place = { readonly kind: "project" | "team"; readonly id: number };

/** Who belongs to a place: its owner, or a member of it itself that was not erased. */
export type Member = {
  readonly userId: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: Level;
  readonly addedAt: Date;
};

/** What the caller may know of; undefined for the rest. */
function findPlace(db: Db, caller: Caller, { kind, id }: Place) {
  return kind === "project" ? findProject(db, caller, id) : findTeam(db, caller, id);
}

/**
 * Up to `limit` members behind the place in the list that `after` names, and the caller's own level. The owner comes
 * first, the others by their ids. Throws NOT_FOUND.
 */
export async function listMembers(
  db: Db,
  caller: Caller,
  place: Place,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<{ readonly level: Level; readonly members: readonly Member[] }> {
  const { level, ownerId } = requireLevel(await findPlace(db, caller, place), "viewer");
  const isOwner = sql`users.id = ${ownerId}`;
  const members = await readMembers(
    db,
    place,
    sql`${after === undefined ? sql`true` : sql`not ${isOwner} and users.id > ${after}`}
      order by not ${isOwner}, users.id limit ${limit}`,
  );
  return { level, members };
}

/** Where a member stands in the list. */
export function placeInList({ userId, role }: Member): string {
  return role === "owner" ? "" : userId;
}

/** One of those who belong to a place. */
export async function findMember(db: Db, place: Place, userId: string): Promise<Member | undefined> {
  const [member] = await readMembers(db, place, sql`users.id = ${userId}`);
  return member;
}

type MemberRow = { user_id: string; name: string; email: string | null; role: Level; added_at: Date };

async function readMembers(
  db: Db,
  { kind, id }: Place,
  which: RawBuilder<unknown>,
): Promise<readonly Member[]> {
  const everybody = sql`
    select owner_id as user_id, 'owner' as role, created_at as added_at from ${sql.table(`${kind}s`)} where id = ${id}
    union all
    select user_id, role, added_at from ${sql.table(`${kind}_members`)} where ${sql.ref(`${kind}_id`)} = ${id}`;
  const { rows } = await sql<MemberRow>`
    select users.id as user_id, users.name, users.email, listed.role, listed.added_at
    from (${everybody}) as listed join users on users.id = listed.user_id
    where (listed.role = 'owner' or users.erased_at is null) and ${which}`.execute(db);
  return rows.map((row) => ({
    userId: row.user_id,
    name: row.name,
    email: row.email,
    role: row.role,
    addedAt: row.added_at,
  }));
}
