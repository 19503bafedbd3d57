import { boundOfModel } from "../costs/bound.model.ts";
import { outputTokensFor, type Reserve, reserveFor } from "../costs/bound.ts";
import type { ReservedCall } from "../costs/ledger.ts";
import type { Reserved, ReserveRequest } from "../costs/reserve.ts";
import type { TopUp } from "../costs/top-up.ts";
import type { Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Pico } from "../lib/money.ts";
import { budgetRefusal, type RefusingBudget } from "./budget-refusal.ts";
import type { Call } from "./call.ts";
import type { Target } from "./route.ts";

export type HoldDeps = {
  readonly clock: Clock;
  /** The budgets a call is under now, by id. */
  readonly budgetIdsOf: (call: Call, afresh?: "afresh") => Promise<readonly number[]>;
  /** Undefined: it has been removed meanwhile. */
  readonly budgetOf: (id: number) => Promise<RefusingBudget | undefined>;
  readonly reserve: (request: ReserveRequest) => Promise<Reserved>;
  readonly topUp: TopUp;
};

/** What a call may do with a target: the output to ask for at most, and what is charged if nobody can know. */
export type Terms = {
  /** Undefined: as the client says. */
  readonly outputCap: number | undefined;
  readonly heldPico: Pico;
};

/** The one reservation of a call. */
export type Hold = {
  readonly reserved: () => ReservedCall;
  /** For the target that it was made for. */
  readonly terms: Terms;
  /**
   * For another target, after `spentPico` are gone or may be: what is missing is reserved on top. Undefined: a budget
   * does not hold it.
   */
  termsFor(target: Target, spentPico: Pico): Promise<Terms | undefined>;
};

/** Reserves a call's upper bound at its first target. Throws BUDGET_EXCEEDED, VALIDATION_FAILED. */
export async function hold(deps: HoldDeps, call: Call, target: Target): Promise<Hold> {
  const remembered = await deps.budgetIdsOf(call);
  const first = await reserveUnder(deps, call, target, remembered);
  if (first.answer.granted) return holding(deps, call, first.answer.call, first);
  // What was remembered of the budgets may be over: a removed one has no room for anything.
  const current = await deps.budgetIdsOf(call, "afresh");
  const isSame = current.length === remembered.length && current.every((id) => remembered.includes(id));
  const last = isSame ? first : await reserveUnder(deps, call, target, current);
  if (last.answer.granted) return holding(deps, call, last.answer.call, last);
  const { budgetId } = last.answer;
  const budget = await deps.budgetOf(budgetId);
  if (budget === undefined) throw new TollgateError("BUDGET_EXCEEDED", { budget: String(budgetId) });
  throw budgetRefusal(call.principal, budget);
}

type Asked = { readonly amounts: Reserve; readonly underBudget: boolean };

function holding(deps: HoldDeps, call: Call, first: ReservedCall, asked: Asked): Hold {
  const { underBudget } = asked;
  let reserved = first;
  const termsOf = (amounts: Reserve, heldPico: Pico): Terms => ({
    outputCap: underBudget ? outputTokensFor(amounts, heldPico) : undefined,
    heldPico,
  });
  return {
    reserved: () => reserved,
    terms: termsOf(asked.amounts, first.reservedPico),
    async termsFor(target, spentPico) {
      const amounts = amountsFor(call, target, underBudget);
      const freePico = reserved.reservedPico - spentPico;
      if (amounts.wantPico > freePico) {
        const missing = { needPico: amounts.needPico - freePico, wantPico: amounts.wantPico - freePico };
        const more = await deps.topUp(reserved, missing);
        if (more !== undefined) reserved = { ...reserved, reservedPico: reserved.reservedPico + more };
        else if (amounts.needPico > freePico) return undefined;
      }
      const heldPico = reserved.reservedPico - spentPico;
      return termsOf(amounts, heldPico < amounts.wantPico ? heldPico : amounts.wantPico);
    },
  };
}

async function reserveUnder(
  deps: HoldDeps,
  call: Call,
  target: Target,
  budgetIds: readonly number[],
): Promise<Asked & { readonly answer: Reserved }> {
  const { provider, model, price } = target;
  const { request, principal } = call;
  const underBudget = budgetIds.length > 0;
  if (underBudget && request.bound.unbounded.length > 0) {
    throw new TollgateError("VALIDATION_FAILED", { faults: request.bound.unbounded });
  }
  const amounts = amountsFor(call, target, underBudget);
  const answer = await deps.reserve({
    call: {
      id: call.id,
      userId: principal.userId,
      keyId: principal.key?.keyId,
      projectId: call.projectId,
      operation: call.operation,
      endpointClass: call.endpointClass,
      provider: provider.name,
      model,
      streamed: request.stream,
      correlationId: call.correlationId,
      createdAtMs: deps.clock.now(),
      price,
      budgetIds,
    },
    needPico: amounts.needPico,
    wantPico: amounts.wantPico,
  });
  return { amounts, underBudget, answer };
}

/** Without a budget it is an estimate, for which the body is not written out. */
function amountsFor({ request }: Call, target: Target, underBudget: boolean): Reserve {
  const { model, price, translation } = target;
  const body = translation?.body ?? request.body;
  const bound = underBudget ? boundOfModel(request.bound, model, body) : request.bound;
  return reserveFor(bound, price.rates, { underBudget });
}
