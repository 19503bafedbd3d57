import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Change, changesBetween } from "../telemetry/change.ts";
import { type By, holdTeam } from "./hold.ts";
import { boundProject, requireLevel } from "./levels.ts";
import { findTeam, type Team } from "./teams.ts";

export type TeamChangeDeps = { readonly clock: Clock; readonly change: Change };

/** Makes a team of `ownerId`. */
export async function createTeam(
  { clock, change }: TeamChangeDeps,
  { caller, cause }: By,
  { name, ownerId }: { readonly name: string; readonly ownerId: string },
): Promise<Team> {
  if (boundProject(caller) !== undefined) {
    throw new TollgateError("FORBIDDEN", undefined, {
      message: "A key that is bound to a project makes no team.",
    });
  }
  return change(cause, async (tx, note) => {
    const { id } = await tx
      .insertInto("teams")
      .values({ name, owner_id: ownerId, created_at: new Date(clock.now()) })
      .returning("id")
      .executeTakeFirstOrThrow();
    note({
      action: "team.create",
      target: target(id),
      changes: { name: [null, name], owner_id: [null, ownerId] },
    });
    return requireLevel(await findTeam(tx, caller, id), "viewer");
  });
}

/** Takes a manager. */
export async function updateTeam(
  { change }: TeamChangeDeps,
  { caller, cause }: By,
  id: number,
  patch: { readonly name?: string | undefined },
): Promise<Team> {
  return change(cause, async (tx, note) => {
    const before = await holdTeam(tx, caller, id, "manager");
    const { name = before.name } = patch;
    const changes = changesBetween(before, { name });
    if (changes !== undefined) {
      await tx.updateTable("teams").set({ name }).where("id", "=", id).execute();
      note({ action: "team.update", target: target(id), changes });
    }
    return { ...before, name };
  });
}

/** Takes the owner. The team's projects stay with their owners and are in no team any more. */
export async function deleteTeam(
  { clock, change }: TeamChangeDeps,
  { caller, cause }: By,
  id: number,
): Promise<void> {
  await change(cause, async (tx, note) => {
    await holdTeam(tx, caller, id, "owner");
    await tx
      .updateTable("teams")
      .set({ deleted_at: new Date(clock.now()) })
      .where("id", "=", id)
      .execute();
    const projects = await tx
      .updateTable("projects")
      .set({ team_id: null })
      .where("team_id", "=", id)
      .returning("id")
      .execute();
    note({ action: "team.delete", target: target(id) });
    for (const project of projects) {
      const changes = { team_id: [id, null] } as const;
      note({ action: "project.update", target: { type: "project", id: String(project.id) }, changes });
    }
  });
}

function target(id: number) {
  return { type: "team", id: String(id) };
}
