import type { MemberRole } from "../store/tables.access.ts";
import type { Db } from "../store/tables.ts";
import { memberRows } from "./member-rows.ts";
import type { Place } from "./members.ts";

/** Imported by tests only. */
export async function projectOf(
  db: Db,
  ownerId: string,
  fields: { name?: string; team_id?: number | null; archived_at?: Date; deleted_at?: Date } = {},
): Promise<number> {
  const { id } = await db
    .insertInto("projects")
    .values({ name: "Test", owner_id: ownerId, created_at: new Date(0), ...fields })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

export async function teamOf(db: Db, ownerId: string): Promise<number> {
  const { id } = await db
    .insertInto("teams")
    .values({ name: "Test", owner_id: ownerId, created_at: new Date(0) })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

export async function memberOf(db: Db, place: Place, userId: string, role: MemberRole): Promise<void> {
  await db.transaction().execute((tx) => memberRows(tx, place).add(userId, role, new Date(0)));
}
