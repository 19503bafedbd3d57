import { type Bound, reserveFor } from "../costs/bound.ts";
import { budgetsById, type CurrentBudget } from "../costs/budgets.read.ts";
import type { Principal } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import type { LimitsOf } from "../limits/applicable.ts";
import type { Db } from "../store/tables.ts";
import { requireModel } from "./allowed-models.ts";
import { budgetRefusal, seesBudget } from "./budget-refusal.ts";
import type { Visitor } from "./enter.ts";
import { type JudgeDeps, type JudgedLimit, judgeLimits } from "./judge-limits.ts";
import type { Payers } from "./payer.ts";
import { type AiRequest, tokensOf } from "./request.ts";
import { type RouteDeps, routeOf, type Target } from "./route.ts";

/** A chat call that is not made. */
export type Proposal = {
  readonly request: AiRequest;
  /** The project that would be named to pay. */
  readonly projectId: number | undefined;
};

/** What a call would meet if it were made now. */
export type Decision = {
  /** Everything in its way, in the order in which a call meets it: it is refused with the first. */
  readonly obstacles: readonly Obstacle[];
  /** What it is likely to cost, with all the output it may have; undefined: nobody knows its price. */
  readonly estimatedPico: Pico | undefined;
  /** What each of its budgets has to have left before it runs; undefined: it is under none, or has no price. */
  readonly neededPico: Pico | undefined;
  readonly limits: readonly JudgedLimit[];
  readonly budgets: readonly CurrentBudget[];
};

export type Obstacle = {
  readonly refusal: TollgateError;
  /** What stands in the way, if it is a limit or a budget that the caller may see. */
  readonly limit?: JudgedLimit;
  readonly budget?: CurrentBudget;
};

export type DecideDeps = JudgeDeps &
  RouteDeps & {
    readonly db: Db;
    readonly clock: Clock;
    readonly payers: Payers;
    readonly limitsOf: LimitsOf;
  };

/**
 * The decisions of `enter` and `run` without what they take (B7): no limit is used, nothing is reserved, nothing is
 * asked of a provider. Whoever asks has passed the gate that the call would pass. Throws STORE_UNAVAILABLE.
 */
export async function decide(deps: DecideDeps, visitor: Visitor, proposal: Proposal): Promise<Decision> {
  const { principal } = visitor;
  const obstacles: Obstacle[] = [];
  const { bound } = proposal.request;
  const target = await tried(obstacles, async () => firstTarget(deps, visitor, proposal.request));

  const call = { id: "decide", tokens: tokensOf(bound) };
  const limits = await judgeLimits(deps, deps.limitsOf(visitor, { class: "chat", call }));
  obstacles.push(...limitObstacles(limits));

  const projectId = await tried(obstacles, () => deps.payers.projectOf(principal, proposal.projectId));
  const ids = await deps.payers.budgetIdsOf(principal, projectId);
  const budgets = await budgetsById(deps.db, ids, deps.clock.now());
  const rates = target?.price.rates;
  const estimatedPico = rates && reserveFor(bound, rates, { underBudget: false }).wantPico;
  const isUnderBudget = budgets.length > 0;
  const neededPico =
    isUnderBudget && rates ? reserveFor(bound, rates, { underBudget: true }).needPico : undefined;
  if (isUnderBudget) obstacles.push(...budgetObstacles(principal, bound, budgets, neededPico));
  return {
    obstacles,
    estimatedPico,
    neededPico,
    limits,
    budgets: budgets.filter((budget) => seesBudget(principal, budget)),
  };
}

/** Refusals become obstacles; what is nobody's refusal is thrown. */
async function tried<T>(obstacles: Obstacle[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TollgateError) || error.status >= 500) throw error;
    obstacles.push({ refusal: error });
    return undefined;
  }
}

function firstTarget(deps: DecideDeps, { principal }: Visitor, request: AiRequest): Target {
  const permit = requireModel(principal.key, request.model);
  return routeOf(deps, { request, now: deps.clock.now(), permit }).targets[0];
}

/** What no wait helps against is told first. */
function limitObstacles(limits: readonly JudgedLimit[]): readonly Obstacle[] {
  const never = limits.filter(({ verdict }) => verdict === "never");
  const refusing = limits.filter(({ verdict }) => verdict === "refuses");
  return [
    ...never.map((limit) => ({
      refusal: new TollgateError("REQUEST_EXCEEDS_LIMIT", { limit: limit.limit.id }),
      limit,
    })),
    ...refusing.map((limit) => {
      const resetAtMs = limit.fitsAtMs!;
      const waiting = { limit: limit.limit.id, retryAfterMs: 0, resetAtMs };
      return { refusal: new TollgateError(limit.limit.code, waiting), limit };
    }),
  ];
}

/** @param neededPico undefined: nobody knows the price, and something else is in the way. */
function budgetObstacles(
  principal: Principal,
  { unbounded }: Bound,
  budgets: readonly CurrentBudget[],
  neededPico: Pico | undefined,
): readonly Obstacle[] {
  const tight = budgets.filter(({ allocatedPico, spentPico, reservedPico }) => {
    return neededPico !== undefined && allocatedPico - spentPico - reservedPico < neededPico;
  });
  return [
    ...(unbounded.length === 0
      ? []
      : [{ refusal: new TollgateError("VALIDATION_FAILED", { faults: unbounded }) }]),
    ...tight.map((budget) => {
      const refusal = budgetRefusal(principal, budget);
      return seesBudget(principal, budget) ? { refusal, budget } : { refusal };
    }),
  ];
}
