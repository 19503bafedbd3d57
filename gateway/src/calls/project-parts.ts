import type { ProjectChangeDeps } from "../access/change-project.ts";
import { changeBudget } from "../costs/set-budget.ts";
import { revokeKeysOfProject } from "../identity/revoke-keys.ts";
import type { Clock } from "../lib/clock.ts";

/** What changes together with a project and belongs to other parts: its budget, and the keys bound to it. */
export function projectParts({
  clock,
}: {
  readonly clock: Clock;
}): Pick<ProjectChangeDeps, "changeBudget" | "revokeKeysOfProject"> {
  return {
    changeBudget: (tx, note, projectId, patch) =>
      changeBudget(tx, note, { scope: "project", scopeId: String(projectId) }, patch, clock.now()),
    revokeKeysOfProject: (tx, projectId) => revokeKeysOfProject({ tx, clock }, projectId),
  };
}
