import { TollgateError } from "../lib/errors.ts";
import type { Db, Tx } from "../store/tables.ts";
import { DEFAULT_PLAN, type Plan, type PlanLimits } from "./plan.ts";

/** A plan's limits as the configuration file, the table and callers write them. */
export type WrittenLimits = {
  readonly requests_per_minute?: number | undefined;
  readonly tokens_per_minute?: number | undefined;
  readonly calls_in_flight?: number | undefined;
  readonly daily_requests?: number | undefined;
};

/** The configuration file's plans by name. A stored plan goes before the one of its name. */
export type FilePlans = ReadonlyMap<string, WrittenLimits>;

export type ListedPlan = {
  readonly name: string;
  readonly limits: WrittenLimits;
  readonly source: "file" | "stored";
  readonly updatedAt: Date | null;
  readonly updatedBy: string | null;
};

/** The plan of who was assigned `name` (null: nothing), given what is stored under it. One that is nowhere limits nothing. */
export type PlanOf = (name: string | null, stored: WrittenLimits | null) => Plan;

export function planOf(filePlans: FilePlans): PlanOf {
  return (assigned, stored) => {
    const name = assigned ?? DEFAULT_PLAN;
    return { name, limits: planLimits(stored ?? filePlans.get(name) ?? {}) };
  };
}

/** Plans that users or keys have and that are nowhere: they would be without the limits that somebody meant for them. */
export async function missingPlans(db: Db, filePlans: FilePlans): Promise<readonly string[]> {
  const known = await db.selectFrom("plans").select("name").execute();
  const ofUsers = await db
    .selectFrom("users")
    .select("plan")
    .distinct()
    .where("plan", "is not", null)
    .execute();
  const ofKeys = await db
    .selectFrom("api_keys")
    .select("plan")
    .distinct()
    .where("plan", "is not", null)
    .where("revoked_at", "is", null)
    .execute();
  const assigned = new Set([...ofUsers, ...ofKeys].map(({ plan }) => plan!));
  for (const { name } of known) assigned.delete(name);
  return [...assigned].filter((name) => !isAlwaysKnown(filePlans, name)).toSorted();
}

/** Keeps a plan from being deleted until the transaction ends. Throws VALIDATION_FAILED for one that nobody knows. */
export type HoldPlan = (tx: Tx, name: string) => Promise<void>;

export function holdPlan(filePlans: FilePlans): HoldPlan {
  return async (tx, name) => {
    const held = await tx
      .selectFrom("plans")
      .select("name")
      .where("name", "=", name)
      .forKeyShare()
      .executeTakeFirst();
    if (held !== undefined || isAlwaysKnown(filePlans, name)) return;
    throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "plan", message: "is no plan here" }] });
  };
}

/** All plans in the order of their names. */
export async function listPlans(db: Db, filePlans: FilePlans): Promise<readonly ListedPlan[]> {
  const plans = new Map<string, ListedPlan>();
  for (const [name, limits] of filePlans) {
    plans.set(name, { name, limits, source: "file", updatedAt: null, updatedBy: null });
  }
  for (const row of await db.selectFrom("plans").selectAll().execute()) plans.set(row.name, storedPlan(row));
  return [...plans.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whatever is deleted, these names still mean something. */
export function isAlwaysKnown(filePlans: FilePlans, name: string): boolean {
  return name === DEFAULT_PLAN || filePlans.has(name);
}

export function storedPlan(row: {
  name: string;
  limits: WrittenLimits;
  updated_at: Date;
  updated_by: string;
}): ListedPlan {
  const { name, limits, updated_at: updatedAt, updated_by: updatedBy } = row;
  return { name, limits, source: "stored", updatedAt, updatedBy };
}

const writtenAs = {
  requestsPerMinute: "requests_per_minute",
  tokensPerMinute: "tokens_per_minute",
  callsInFlight: "calls_in_flight",
  dailyRequests: "daily_requests",
} as const satisfies Record<keyof PlanLimits, keyof WrittenLimits>;

function planLimits(written: WrittenLimits): PlanLimits {
  const fields = Object.keys(writtenAs) as (keyof PlanLimits)[];
  const known = fields.map((field) => [field, written[writtenAs[field]]] as const);
  return Object.fromEntries(known.filter(([, limit]) => limit !== undefined));
}
