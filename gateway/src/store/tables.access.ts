import type { Generated } from "kysely";
import type { Nullable } from "./tables.columns.ts";

/** The tables that `access/` writes. */
export type AccessTables = {
  teams: TeamsTable;
  team_members: TeamMembersTable;
  project_members: ProjectMembersTable;
  projects: ProjectsTable;
};

export type TeamsTable = {
  id: Generated<number>;
  name: string;
  owner_id: string;
  created_at: Date;
  deleted_at: Nullable<Date>;
};

export type MemberRole = "manager" | "developer" | "viewer";

export type TeamMembersTable = { team_id: number; user_id: string; role: MemberRole; added_at: Date };

export type ProjectMembersTable = { project_id: number; user_id: string; role: MemberRole; added_at: Date };

export type ProjectsTable = {
  id: Generated<number>;
  name: string;
  description: Nullable<string>;
  owner_id: string;
  created_at: Date;
  archived_at: Nullable<Date>;
  team_id: Nullable<number>;
  deleted_at: Nullable<Date>;
};
