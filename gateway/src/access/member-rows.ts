import { sql } from "kysely";
import type { MemberRole } from "../store/tables.access.ts";
import type { Tx } from "../store/tables.ts";
import type { Place } from "./members.ts";

/** How the members of a place are written; its owner is none of them. */
export type MemberRows = {
  /** False: there is one already. */
  add(userId: string, role: MemberRole, addedAt: Date): Promise<boolean>;
  setRole(userId: string, role: MemberRole): Promise<void>;
  remove(userId: string): Promise<void>;
};

export function memberRows(tx: Tx, place: Place): MemberRows {
  return place.kind === "project" ? projectMembers(tx, place.id) : teamMembers(tx, place.id);
}

function projectMembers(tx: Tx, id: number): MemberRows {
  return {
    async add(userId, role, addedAt) {
      const { rows } = await sql`
        insert into project_members (project_id, user_id, role, added_at)
        values (${id}, ${userId}, ${role}, ${addedAt})
        on conflict do nothing returning role`.execute(tx);
      return rows.length > 0;
    },
    async setRole(userId, role) {
      await sql`
        update project_members set role = ${role} where project_id = ${id} and user_id = ${userId}`.execute(
        tx,
      );
    },
    async remove(userId) {
      await sql`delete from project_members where project_id = ${id} and user_id = ${userId}`.execute(tx);
    },
  };
}

function teamMembers(tx: Tx, id: number): MemberRows {
  return {
    async add(userId, role, addedAt) {
      const { rows } = await sql`
        insert into team_members (team_id, user_id, role, added_at)
        values (${id}, ${userId}, ${role}, ${addedAt})
        on conflict do nothing returning role`.execute(tx);
      return rows.length > 0;
    },
    async setRole(userId, role) {
      await sql`
        update team_members set role = ${role} where team_id = ${id} and user_id = ${userId}`.execute(tx);
    },
    async remove(userId) {
      await sql`delete from team_members where team_id = ${id} and user_id = ${userId}`.execute(tx);
    },
  };
}
