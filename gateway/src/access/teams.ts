import { type RawBuilder, sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { isAdministrator } from "./authorize.ts";
import { boundProject, type Caller, highestOf, type Level } from "./levels.ts";
import type { Section } from "./projects.ts";

/** A team as its reader knows it. */
export type Team = {
  readonly id: number;
  readonly name: string;
  readonly ownerId: string;
  readonly createdAt: Date;
  /** What the reader may do in it. */
  readonly level: Level;
};

/** The team, if the caller may know of it. A key that is bound to a project knows of no team. */
export async function findTeam(db: Db, caller: Caller, id: number): Promise<Team | undefined> {
  const [found] = await readTeams(db, caller, sql`id = ${id}`);
  return found;
}

/** The teams that the caller may know of; an administrator all. */
export async function listTeams(db: Db, caller: Caller, { after, limit }: Section): Promise<readonly Team[]> {
  return readTeams(db, caller, sql`id > ${after} order by id limit ${limit}`);
}

/** Of these users and teams, who by themselves knows of which. */
export async function knownTeams(
  db: Db,
  userIds: readonly string[],
  teamIds: readonly number[],
): Promise<readonly { readonly userId: string; readonly id: number }[]> {
  if (userIds.length === 0 || teamIds.length === 0) return [];
  const { level, memberships } = standingOf(sql`asking.id`, false);
  const { rows } = await sql<{ userId: string; id: number }>`
    select asking.id as "userId", teams.id
    from teams cross join unnest(${userIds}::text[]) as asking (id) ${memberships}
    where teams.id = any(${teamIds}::bigint[]) and teams.deleted_at is null and ${level} is not null`.execute(
    db,
  );
  return rows;
}

type TeamRow = { id: number; name: string; owner_id: string; created_at: Date; level: Level };

/** SQL, the one place that says what a user is in a team: its owner or a member. */
function standingOf(userId: RawBuilder<unknown>, isAdministrator: boolean) {
  return {
    level: highestOf(
      sql`case when ${isAdministrator}::boolean or teams.owner_id = ${userId} then 'owner' end`,
      sql`members.role`,
    ),
    memberships: sql`
      left join team_members as members on members.team_id = teams.id and members.user_id = ${userId}`,
  };
}

async function readTeams(db: Db, caller: Caller, which: RawBuilder<unknown>): Promise<readonly Team[]> {
  if (boundProject(caller) !== undefined) return [];
  const { level, memberships } = standingOf(sql`${caller.userId}::text`, isAdministrator(caller));
  const { rows } = await sql<TeamRow>`
    select * from (
      select teams.*, ${level} as level
      from teams ${memberships}
      where teams.deleted_at is null
    ) as known
    where level is not null and ${which}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    createdAt: row.created_at,
    level: row.level,
  }));
}
