import { isAdministrator } from "../access/authorize.ts";
import { type By, holdProject, holdTeam } from "../access/hold.ts";
import { type Caller, requireLevel } from "../access/levels.ts";
import { findProject } from "../access/projects.ts";
import { findTeam } from "../access/teams.ts";
import { type CurrentBudget, findBudget } from "../costs/budgets.read.ts";
import type { BudgetScope } from "../costs/budgets.ts";
import { type BudgetOwner, type BudgetPatch, changeBudget } from "../costs/set-budget.ts";
import { findApiKeyById, lockApiKey } from "../identity/api-keys.ts";
import { findUser } from "../identity/users.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Change } from "../telemetry/change.ts";

/** What has a budget (B4), as paths name it: by the number of a project, team or key, or by the id of a user. */
export type BudgetPlace = { readonly scope: BudgetScope; readonly id: string };

export type BudgetReadDeps = { readonly db: Db; readonly clock: Clock };
export type BudgetChangeDeps = BudgetReadDeps & { readonly change: Change };

/** Its viewers read a project's or team's budget; a user's and a key's: whose they are. Throws NOT_FOUND. */
export async function budgetAt(
  deps: BudgetReadDeps,
  caller: Caller,
  place: BudgetPlace,
): Promise<CurrentBudget> {
  const found = await findBudget(deps.db, await ownerSeenBy(deps, caller, place), deps.clock.now());
  if (found === undefined) throw new TollgateError("NOT_FOUND");
  return found;
}

/**
 * Sets, changes or removes a budget: a project's or team's by its managers, others by administrators. Undefined if
 * there is none now. Throws NOT_FOUND, FORBIDDEN.
 */
export function setBudget(
  deps: BudgetChangeDeps,
  { caller, cause }: By,
  place: BudgetPlace,
  patch: BudgetPatch,
): Promise<CurrentBudget | undefined> {
  return deps.change(cause, async (tx, note) => {
    const owner = await holdOwnerOf(deps, tx, caller, place);
    await changeBudget(tx, note, owner, patch, deps.clock.now());
    return findBudget(tx, owner, deps.clock.now());
  });
}

async function ownerSeenBy(
  { db, clock }: BudgetReadDeps,
  caller: Caller,
  { scope, id }: BudgetPlace,
): Promise<BudgetOwner> {
  switch (scope) {
    case "project":
      requireLevel(await findProject(db, caller, Number(id)), "viewer");
      return { scope, scopeId: id };
    case "team":
      requireLevel(await findTeam(db, caller, Number(id)), "viewer");
      return { scope, scopeId: id };
    case "user":
      return ownIf((await findUser(db, id)) && id, caller, { scope, scopeId: id });
    case "key": {
      const key = await findApiKeyById({ db, clock }, Number(id));
      return ownIf(key?.userId, caller, { scope, scopeId: String(key?.quotaGroup) });
    }
  }
}

function ownIf(userId: string | undefined, caller: Caller, owner: BudgetOwner): BudgetOwner {
  if (userId !== undefined && (userId === caller.userId || isAdministrator(caller))) return owner;
  throw new TollgateError("NOT_FOUND");
}

/** A key and its successors are under one budget. */
async function holdOwnerOf(
  deps: BudgetReadDeps,
  tx: Tx,
  caller: Caller,
  place: BudgetPlace,
): Promise<BudgetOwner> {
  const { scope, id } = place;
  if (scope === "project") await holdProject(tx, caller, Number(id), "manager");
  else if (scope === "team") await holdTeam(tx, caller, Number(id), "manager");
  else if (!isAdministrator(caller)) throw new TollgateError("FORBIDDEN");
  if (scope === "user") {
    await tx.selectFrom("users").select("id").where("id", "=", id).forNoKeyUpdate().execute();
  }
  if (scope === "key") {
    const key = await findApiKeyById({ db: tx, clock: deps.clock }, Number(id));
    if (key !== undefined) await lockApiKey(tx, deps.clock, key.prefix);
  }
  return ownerSeenBy({ db: tx, clock: deps.clock }, caller, place);
}
