import { isAdministrator } from "../access/authorize.ts";
import { boundProject, type Caller, keyOwner } from "../access/levels.ts";
import { knownProjects } from "../access/projects.ts";
import { knownTeams } from "../access/teams.ts";
import type { Db } from "../store/tables.ts";
import type { LiveEvent } from "../telemetry/live.log.ts";

/** May this caller see this event? */
export type Sight = (caller: Caller, event: LiveEvent) => boolean;

/**
 * Who may see which of these events, as access is now. Administrators see all; of the others whoever knows of the
 * project or team that an event concerns, or is the user. A key that is bound to a project shows events of that project
 * only, and only what its owner may see too.
 */
export async function sightOf(
  db: Db,
  callers: readonly Caller[],
  events: readonly LiveEvent[],
): Promise<Sight> {
  const asking = callers.flatMap((caller) => [caller, keyOwner(caller) ?? []].flat());
  const userIds = [...new Set(asking.filter((one) => !isAdministrator(one)).map(({ userId }) => userId))];
  const of = (kind: "projectId" | "teamId") => [...new Set(events.flatMap((event) => event[kind] ?? []))];
  const projects = namesOf(await knownProjects(db, userIds, of("projectId")));
  const teams = namesOf(await knownTeams(db, userIds, of("teamId")));

  const knows: Sight = (caller, { projectId, teamId, userId }) =>
    isAdministrator(caller) ||
    projects.has(`${projectId} ${caller.userId}`) ||
    teams.has(`${teamId} ${caller.userId}`) ||
    userId === caller.userId;

  return (caller, event) => {
    const bound = boundProject(caller);
    if (bound === undefined) return knows(caller, event);
    return event.projectId === bound && knows(caller, event) && knows(keyOwner(caller)!, event);
  };
}

function namesOf(known: readonly { readonly id: number; readonly userId: string }[]): ReadonlySet<string> {
  return new Set(known.map(({ id, userId }) => `${id} ${userId}`));
}
