import type { Principal } from "../identity/principal.ts";
import { findUser } from "../identity/users.ts";
import { principalsOfKeys } from "../identity/verify-key.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { AppliedLimit } from "../limits/admit.ts";
import type { Subject } from "../limits/applicable.ts";
import { type Counters, CountersUnavailable } from "../limits/limit.ts";
import { type LimitState, limitStates } from "../limits/limit-states.ts";
import type { PlanOf } from "../limits/plans.ts";
import { type LimitId, limitIds, policies } from "../limits/policies.ts";
import type { Db } from "../store/tables.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { Quotas } from "./quotas.ts";

export type UserLimitDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly planOf: PlanOf;
  /** Every limit that can meet somebody, at no cost. */
  readonly allLimits: (subject: Subject) => readonly AppliedLimit[];
  /** Undefined: out of this process's reach. */
  readonly counters: Pick<Counters, "take" | "reset"> | undefined;
  readonly quotas: Pick<Quotas, "usedToday" | "reset">;
};

/** A limit of somebody, and whose: a user's own, or that of a chain of keys by the prefix of its newest. */
export type MetLimit = {
  readonly limit: AppliedLimit;
  readonly userId: string;
  readonly keyPrefix: string | undefined;
};

export type SeenLimit = MetLimit & { readonly state: LimitState | undefined };
export type UserLimits = { readonly planName: string; readonly limits: readonly SeenLimit[] };

/** The limits that an administrator may set or reset for one user: those that are not shared with others. */
export const adjustableLimits: readonly LimitId[] = limitIds.filter((id) => {
  const { scope, shape } = policies[id];
  return (scope === "user" || scope === "key") && shape !== "hold";
});

/** Where the caller itself stands. Throws STORE_UNAVAILABLE. */
export async function limitsOfCaller(deps: UserLimitDeps, subject: Subject): Promise<UserLimits> {
  const { principal } = subject;
  return { planName: principal.plan.name, limits: await seen(deps, limitsMet(deps, subject)) };
}

/** Where a user stands, with every chain of keys that still works. Throws NOT_FOUND and STORE_UNAVAILABLE. */
export async function limitsOfUser(deps: UserLimitDeps, userId: string): Promise<UserLimits> {
  const principals = await principalsOf(deps, userId);
  return {
    planName: principals[0]!.plan.name,
    limits: await seen(deps, ownLimits(deps, principals)),
  };
}

/**
 * A user's limits begin anew, or the one named `id`; calls under way still count. Throws NOT_FOUND, and
 * STORE_UNAVAILABLE if the counters did not answer: the reset is to be repeated then.
 */
export async function resetLimits(
  deps: UserLimitDeps & { readonly change: Change },
  cause: Cause,
  userId: string,
  id: LimitId | undefined,
): Promise<void> {
  const { change, counters, quotas } = deps;
  if (counters === undefined) throw new TollgateError("STORE_UNAVAILABLE");
  const met = ownLimits(deps, await principalsOf(deps, userId))
    .map(({ limit }) => limit)
    .filter(({ shape }) => shape !== "lease" && shape !== "hold")
    .filter((limit) => id === undefined || limit.id === id);
  const daily = met.filter(({ shape }) => shape === "dailyQuota");
  await change(cause, async (tx, note) => {
    for (const quota of daily) await quotas.reset(tx, quota);
    note({ action: "limit.reset", target: { type: "user", id: userId }, reason: id ?? "all" });
  });
  await counters.reset(met.map(({ key }) => key)).catch((error: unknown) => {
    if (!(error instanceof CountersUnavailable)) throw error;
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
  });
}

/** The user without a key, then with one key of each chain. */
async function principalsOf(deps: UserLimitDeps, userId: string): Promise<readonly Principal[]> {
  const user = await findUser(deps.db, userId);
  if (user === undefined) throw new TollgateError("NOT_FOUND");
  const { role, overrides, epoch } = user;
  const plan = deps.planOf(user.plan, user.planLimits);
  const alone: Principal = { userId, role, credential: { kind: "static" }, plan, overrides, epoch };
  return [alone, ...(await principalsOfKeys(deps, userId))];
}

/** Each limit once; those of addresses and devices are not this user's alone. */
function ownLimits(deps: UserLimitDeps, principals: readonly Principal[]): readonly MetLimit[] {
  const met = principals.flatMap((principal) => limitsMet(deps, { principal, address: "" }));
  const own = met.filter(({ limit }) => limit.scope === "user" || limit.scope === "key");
  return [...new Map(own.map((one) => [one.limit.key, one])).values()];
}

function limitsMet(deps: UserLimitDeps, subject: Subject): readonly MetLimit[] {
  const { userId, key } = subject.principal;
  return deps.allLimits(subject).map((limit) => {
    return { limit, userId, keyPrefix: limit.scope === "key" ? key?.prefix : undefined };
  });
}

async function seen(deps: UserLimitDeps, met: readonly MetLimit[]): Promise<readonly SeenLimit[]> {
  const { clock, counters, quotas } = deps;
  const states = await limitStates(
    { clock, counters, usedToday: quotas.usedToday },
    met.map(({ limit }) => limit),
  );
  return met.map((one, i) => ({ ...one, state: states[i] }));
}
