import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";

export type Project = {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly ownerId: string;
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
};

/** Makes a project; its creator is its owner (I8). */
export async function createProject(
  deps: { db: Db; clock: Clock },
  wanted: { name: string; description: string | null; ownerId: string },
): Promise<Project> {
  const row = await deps.db
    .insertInto("projects")
    .values({
      name: wanted.name,
      description: wanted.description,
      owner_id: wanted.ownerId,
      created_at: new Date(deps.clock.now()),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return project(row);
}

export async function listProjects(db: Db): Promise<readonly Project[]> {
  const rows = await db.selectFrom("projects").selectAll().orderBy("id").execute();
  return rows.map(project);
}

export async function findProject(db: Db, id: number): Promise<Project | undefined> {
  const row = await db.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : project(row);
}

/** May this caller spend in the project's name? What it may not, it may not know of either. */
export function maySpendIn(principal: Principal, { id, ownerId, archivedAt }: Project): boolean {
  if (archivedAt !== null) return false;
  const { credential } = principal;
  if (credential.kind === "key" && credential.projectId !== null) return credential.projectId === id;
  return ownerId === principal.userId || principal.role === "admin";
}

type ProjectRow = {
  id: number;
  name: string;
  description: string | null;
  owner_id: string;
  created_at: Date;
  archived_at: Date | null;
};

function project(row: ProjectRow): Project {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    ownerId: row.owner_id,
    createdAt: row.created_at,
    archivedAt: row.archived_at,
  };
}
