import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { isAdministrator } from "./authorize.ts";
import { boundProject, type Caller, highestOf, keyOwner, type Level, lowerOf } from "./levels.ts";

/** A project as its reader knows it. */
export type Project = {
  readonly id: number;
  readonly name: string;
  readonly description: string | null;
  readonly teamId: number | null;
  readonly ownerId: string;
  readonly createdAt: Date;
  readonly archivedAt: Date | null;
  /** What the reader may do in it. */
  readonly level: Level;
};

/** A part of a list: up to `limit` things behind the number `after`, ascending. */
export type Section = { readonly after: number; readonly limit: number };

/** The project, if the caller may know of it. With a key bound to a project, caller and key owner both must. */
export async function findProject(db: Db, caller: Caller, id: number): Promise<Project | undefined> {
  const bound = boundProject(caller);
  if (bound !== undefined && bound !== id) return undefined;
  const [found] = await readProjects(db, caller, sql`id = ${id}`);
  const owner = bound === undefined ? undefined : keyOwner(caller);
  if (found === undefined || owner === undefined || owner.userId === caller.userId) return found;
  const seenByOwner = await findProject(db, owner, id);
  return seenByOwner && { ...found, level: lowerOf(found.level, seenByOwner.level) };
}

/** What the caller may do in the project; undefined: nothing, and it may not know of it. */
export async function levelIn(db: Db, caller: Caller, projectId: number): Promise<Level | undefined> {
  return (await findProject(db, caller, projectId))?.level;
}

/** The projects that the caller may know of; an administrator all. */
export async function listProjects(
  db: Db,
  caller: Caller,
  { after, limit }: Section,
): Promise<readonly Project[]> {
  const bound = boundProject(caller);
  if (bound === undefined) return readProjects(db, caller, sql`id > ${after} order by id limit ${limit}`);
  const only = await findProject(db, caller, bound);
  return only === undefined || only.id <= after ? [] : [only];
}

/** Of these users and projects, who by themselves knows of which; with a key, a caller may know of fewer. */
export async function knownProjects(
  db: Db,
  userIds: readonly string[],
  projectIds: readonly number[],
): Promise<readonly { readonly userId: string; readonly id: number }[]> {
  if (userIds.length === 0 || projectIds.length === 0) return [];
  const { level, memberships } = standingOf(sql`asking.id`, false);
  const { rows } = await sql<{ userId: string; id: number }>`
    select asking.id as "userId", projects.id
    from projects cross join unnest(${userIds}::text[]) as asking (id) ${memberships}
    where projects.id = any(${projectIds}::bigint[]) and projects.deleted_at is null and ${level} is not null`.execute(
    db,
  );
  return rows;
}

type ProjectRow = {
  id: number;
  name: string;
  description: string | null;
  team_id: number | null;
  owner_id: string;
  created_at: Date;
  archived_at: Date | null;
  level: Level;
};

/** SQL: what a user is in each row of `projects`, and what that is read from. */
type Standing = { readonly level: RawBuilder<Level | null>; readonly memberships: RawBuilder<unknown> };

/** The one place that says what a user is in a project: its owner, a member, or something in its team. */
function standingOf(userId: RawBuilder<unknown>, isAdministrator: boolean): Standing {
  return {
    level: highestOf(
      sql`case when ${isAdministrator}::boolean or projects.owner_id = ${userId} then 'owner' end`,
      sql`here.role`,
      sql`case when teams.owner_id = ${userId} then 'manager' end`,
      sql`there.role`,
    ),
    memberships: sql`
      left join project_members as here on here.project_id = projects.id and here.user_id = ${userId}
      left join teams on teams.id = projects.team_id and teams.deleted_at is null
      left join team_members as there on there.team_id = teams.id and there.user_id = ${userId}`,
  };
}

async function readProjects(db: Db, caller: Caller, which: RawBuilder<unknown>): Promise<readonly Project[]> {
  const { level, memberships } = standingOf(sql`${caller.userId}::text`, isAdministrator(caller));
  const { rows } = await sql<ProjectRow>`
    select * from (
      select projects.*, ${level} as level
      from projects ${memberships}
      where projects.deleted_at is null
    ) as known
    where level is not null and ${which}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    teamId: row.team_id,
    ownerId: row.owner_id,
    createdAt: row.created_at,
    archivedAt: row.archived_at,
    level: row.level,
  }));
}
