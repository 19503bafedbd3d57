import type { BudgetPatch } from "../costs/set-budget.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Tx } from "../store/tables.ts";
import { type Change, changesBetween, type Noted } from "../telemetry/change.ts";
import { type By, holdProject, holdTeam } from "./hold.ts";
import { boundProject, requireLevel } from "./levels.ts";
import { findProject, type Project } from "./projects.ts";

/** What is sent is set, the rest stays as it is. */
export type ProjectPatch = {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  /** Null: in no team. */
  readonly teamId?: number | null | undefined;
  readonly archived?: boolean | undefined;
  readonly budget?: BudgetPatch | undefined;
};

export type NewProject = ProjectPatch & { readonly name: string; readonly ownerId: string };

export type ProjectChangeDeps = {
  readonly clock: Clock;
  readonly change: Change;
  readonly changeBudget: (
    tx: Tx,
    note: (event: Noted) => void,
    projectId: number,
    patch: BudgetPatch,
  ) => Promise<void>;
  /** Answers the prefixes of the keys that were live. */
  readonly revokeKeysOfProject: (tx: Tx, projectId: number) => Promise<readonly string[]>;
};

/** Makes a project of `ownerId`. In a team it takes a manager of that. */
export async function createProject(deps: ProjectChangeDeps, by: By, wanted: NewProject): Promise<Project> {
  const { caller, cause } = by;
  if (boundProject(caller) !== undefined) {
    throw new TollgateError("FORBIDDEN", undefined, {
      message: "A key that is bound to a project makes no other.",
    });
  }
  return deps.change(cause, async (tx, note) => {
    const { name, ownerId, description = null, teamId = null, budget } = wanted;
    if (teamId !== null) await holdTeam(tx, caller, teamId, "manager", { shared: true });
    const { id } = await tx
      .insertInto("projects")
      .values({
        name,
        description,
        owner_id: ownerId,
        team_id: teamId,
        created_at: new Date(deps.clock.now()),
      })
      .returning("id")
      .executeTakeFirstOrThrow();
    note({
      action: "project.create",
      target: target(id),
      changes: { name: [null, name], owner_id: [null, ownerId], team_id: [null, teamId] },
    });
    if (budget !== undefined) await deps.changeBudget(tx, note, id, budget);
    return requireLevel(await findProject(tx, caller, id), "viewer");
  });
}

/** Takes a manager; the team is the owner's to choose, among those that it manages. */
export async function updateProject(
  deps: ProjectChangeDeps,
  { caller, cause }: By,
  id: number,
  patch: ProjectPatch,
): Promise<Project> {
  return deps.change(cause, async (tx, note) => {
    const { name, description, teamId, archived, budget } = patch;
    if (typeof teamId === "number") await holdTeam(tx, caller, teamId, "manager", { shared: true });
    const before = await holdProject(tx, caller, id, teamId === undefined ? "manager" : "owner");
    const isArchived = before.archivedAt !== null;
    const archivedAt = archived ? new Date(deps.clock.now()) : null;
    const changes = changesBetween(
      { ...before, team_id: before.teamId, archived: isArchived },
      { name, description, team_id: teamId, archived },
    );
    if (changes !== undefined) {
      await tx
        .updateTable("projects")
        .set({
          ...(name === undefined ? {} : { name }),
          ...(description === undefined ? {} : { description }),
          ...(teamId === undefined ? {} : { team_id: teamId }),
          ...(archived === undefined || archived === isArchived ? {} : { archived_at: archivedAt }),
        })
        .where("id", "=", id)
        .execute();
      note({ action: "project.update", target: target(id), changes });
    }
    if (budget !== undefined) await deps.changeBudget(tx, note, id, budget);
    return requireLevel(await findProject(tx, caller, id), "viewer");
  });
}

/** Takes the owner. The keys bound to the project end with it; what it has cost stays on record. */
export async function deleteProject(
  deps: ProjectChangeDeps,
  { caller, cause }: By,
  id: number,
): Promise<void> {
  await deps.change(cause, async (tx, note) => {
    await holdProject(tx, caller, id, "owner");
    await tx
      .updateTable("projects")
      .set({ deleted_at: new Date(deps.clock.now()) })
      .where("id", "=", id)
      .execute();
    note({ action: "project.delete", target: target(id) });
    for (const prefix of await deps.revokeKeysOfProject(tx, id)) {
      note({ action: "key.revoke", target: { type: "key", id: prefix }, reason: "project deleted" });
    }
  });
}

function target(id: number) {
  return { type: "project", id: String(id) };
}
