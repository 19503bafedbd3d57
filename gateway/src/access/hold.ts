import type { Tx } from "../store/tables.ts";
import type { Cause } from "../telemetry/change.ts";
import { type Caller, type Level, requireLevel } from "./levels.ts";
import { findProject, type Project } from "./projects.ts";
import { findTeam, type Team } from "./teams.ts";

/** Who changes something: as levels know them, and as the audit log does. */
export type By = { readonly caller: Caller; readonly cause: Cause };

/**
 * Locks a project until the transaction ends, then reads it. Throws NOT_FOUND, or FORBIDDEN below `wanted`. Who needs a
 * team as well holds that first: locks are taken in one order. Keys and members that only name the project, by a
 * foreign key, are not held up: they would hold up the project in turn.
 */
export async function holdProject(tx: Tx, caller: Caller, id: number, wanted: Level): Promise<Project> {
  await tx.selectFrom("projects").select("id").where("id", "=", id).forNoKeyUpdate().execute();
  return requireLevel(await findProject(tx, caller, id), wanted);
}

/** The same for a team. `shared`: it only has to stay as it is, for a project that is put in it. */
export async function holdTeam(
  tx: Tx,
  caller: Caller,
  id: number,
  wanted: Level,
  { shared = false } = {},
): Promise<Team> {
  const row = tx.selectFrom("teams").select("id").where("id", "=", id);
  await (shared ? row.forShare() : row.forNoKeyUpdate()).execute();
  return requireLevel(await findTeam(tx, caller, id), wanted);
}
