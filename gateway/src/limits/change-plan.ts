import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Tx } from "../store/tables.ts";
import { type Cause, type Change, changesBetween } from "../telemetry/change.ts";
import { type FilePlans, isAlwaysKnown, type ListedPlan, storedPlan, type WrittenLimits } from "./plans.ts";

/** Stores a plan; who has it meets its limits at the next request, and what they have used stays used. */
export function putPlan(
  { change, clock }: { readonly change: Change; readonly clock: Clock },
  cause: Cause,
  name: string,
  limits: WrittenLimits,
): Promise<ListedPlan> {
  return change(cause, async (tx, note) => {
    const before = await tx
      .selectFrom("plans")
      .select("limits")
      .where("name", "=", name)
      .forNoKeyUpdate()
      .executeTakeFirst();
    const values = {
      limits: JSON.stringify(limits),
      updated_at: new Date(clock.now()),
      updated_by: cause.actor.id,
    };
    const row = await tx
      .insertInto("plans")
      .values({ name, ...values })
      .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
      .returningAll()
      .executeTakeFirstOrThrow();
    const changes = changesBetween({ limits: before?.limits }, { limits: row.limits });
    if (changes !== undefined) note({ action: "policy.change", target: { type: "plan", id: name }, changes });
    return storedPlan(row);
  });
}

/**
 * Deletes a stored plan; the configuration file's of that name shows again. Throws NOT_FOUND, and CONFLICT for a plan
 * that only the file has, or that somebody has and would then mean nothing.
 */
export function deletePlan(
  { change, filePlans }: { readonly change: Change; readonly filePlans: FilePlans },
  cause: Cause,
  name: string,
): Promise<void> {
  return change(cause, async (tx, note) => {
    const plan = await tx
      .selectFrom("plans")
      .select("limits")
      .where("name", "=", name)
      .forUpdate()
      .executeTakeFirst();
    if (plan === undefined) throw filePlans.has(name) ? conflict(IN_FILE) : new TollgateError("NOT_FOUND");
    if (!isAlwaysKnown(filePlans, name) && (await isAssigned(tx, name))) throw conflict(ASSIGNED);
    await tx.deleteFrom("plans").where("name", "=", name).execute();
    const changes = { limits: [plan.limits, filePlans.get(name) ?? null] } as const;
    note({ action: "policy.change", target: { type: "plan", id: name }, changes });
  });
}

const IN_FILE = "This plan stands in the configuration file. Take it out there.";
const ASSIGNED = "Users or keys have this plan. Give them another one first.";

function conflict(message: string): TollgateError {
  return new TollgateError("CONFLICT", undefined, { message });
}

/** Revoked keys and erased users never need it again. */
async function isAssigned(tx: Tx, name: string): Promise<boolean> {
  const user = await tx
    .selectFrom("users")
    .select("id")
    .where("plan", "=", name)
    .where("erased_at", "is", null)
    .limit(1)
    .executeTakeFirst();
  if (user !== undefined) return true;
  const key = await tx
    .selectFrom("api_keys as key")
    .innerJoin("api_keys as first", "first.id", "key.quota_group")
    .select("key.id")
    .where("first.plan", "=", name)
    .where("key.revoked_at", "is", null)
    .limit(1)
    .executeTakeFirst();
  return key !== undefined;
}
