import { inputEstimate, outputTokensFor, type Reserve, reserveFor } from "../costs/bound.ts";
import { costOf } from "../costs/cost.ts";
import type { ReservedCall, Settlement } from "../costs/ledger.ts";
import type { Reserved, ReserveRequest } from "../costs/reserve.ts";
import type { Usage } from "../costs/usage.ts";
import { atMost, type Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { usdText } from "../lib/money.ts";
import type { Answer, Call } from "./call.ts";
import { upstreamBody } from "./chat.ts";
import { errorBody } from "./envelope.ts";
import { exchange, type Observed } from "./exchange.ts";

export type RunDeps = {
  readonly clock: Clock;
  /** The budgets a call is under now, by id. */
  readonly budgetIdsOf: (call: Call, afresh?: "afresh") => Promise<readonly number[]>;
  readonly reserve: (request: ReserveRequest) => Promise<Reserved>;
  /** Resolves when the call is on the ledger; tries until it is. */
  readonly settle: (settlement: Settlement) => Promise<void>;
  /** Calls `stop` if the process must end before the call has; the returned function forgets it. */
  readonly onStop: (stop: () => void) => () => void;
  readonly onFirstByte: (call: Call, elapsedMs: number) => void;
  readonly onSettled: (settlement: Settlement) => void;
};

/** An answer's last byte waits this long for the ledger; then it leaves, and settling goes on without it. */
const LONGEST_HOLD_MS = 250;
const CLIENT_GONE = 499;
const BYTES_PER_TOKEN = 3;

/**
 * reserve → call → meter → settle. The reservation is durable before the provider is asked, and the call is on the
 * ledger before the last byte of its answer leaves. However the call ends, it is settled once: with what was seen,
 * with nothing if the provider never took it, or at its reservation if nobody can know.
 *
 * Answers what the ledger says. Throws, before anything was answered: 402 BUDGET_EXCEEDED, 400 for what cannot run under a budget, and every
 * failure of the provider that came before its first byte.
 */
export async function run(deps: RunDeps, call: Call, answer: Answer): Promise<Settlement> {
  const startedAt = deps.clock.monotonic();
  const { reserved, outputCap } = await reserve(deps, call);
  const observed = answer.isOpen() ? await ask(deps, call, outputCap, answer) : leftBefore;
  const settlement = settlementOf(reserved, call, observed, deps.clock.monotonic() - startedAt);
  const settled = deps.settle(settlement).then(() => deps.onSettled(settlement));
  const closed = call.ticket.settle(tokensOf(settlement, observed));
  await atMost(deps.clock, LONGEST_HOLD_MS, Promise.all([settled, closed]));
  conclude(call, answer, observed, settlement);
  return settlement;
}

async function reserve(
  deps: RunDeps,
  call: Call,
): Promise<{ reserved: ReservedCall; outputCap: number | undefined }> {
  const remembered = await deps.budgetIdsOf(call);
  const first = await reserveUnder(deps, call, remembered);
  if (first.reserved.granted) return granted(first.reserved, first);
  // What was remembered of the budgets may be over: a removed one has no room for anything.
  const current = await deps.budgetIdsOf(call, "afresh");
  const isSame = current.length === remembered.length && current.every((id) => remembered.includes(id));
  const last = isSame ? first : await reserveUnder(deps, call, current);
  if (last.reserved.granted) return granted(last.reserved, last);
  throw new TollgateError("BUDGET_EXCEEDED", { budget: String(last.reserved.budgetId) });
}

type Attempt = { readonly amounts: Reserve; readonly underBudget: boolean };

function granted({ call }: Extract<Reserved, { granted: true }>, { amounts, underBudget }: Attempt) {
  return { reserved: call, outputCap: underBudget ? outputTokensFor(amounts, call.reservedPico) : undefined };
}

async function reserveUnder(
  deps: RunDeps,
  call: Call,
  budgetIds: readonly number[],
): Promise<Attempt & { readonly reserved: Reserved }> {
  const { request, target } = call;
  const underBudget = budgetIds.length > 0;
  if (underBudget && request.bound.unbounded.length > 0) {
    throw new TollgateError("VALIDATION_FAILED", { faults: request.bound.unbounded });
  }
  const amounts = reserveFor(request.bound, target.price.rates, { underBudget });
  const { key, userId } = call.principal;
  const reserved = await deps.reserve({
    call: {
      id: call.id,
      userId,
      keyId: key?.keyId,
      projectId: call.projectId,
      operation: call.operation,
      endpointClass: call.endpointClass,
      provider: target.provider.name,
      model: target.model,
      streamed: request.stream,
      correlationId: call.correlationId,
      createdAtMs: deps.clock.now(),
      price: target.price,
      budgetIds,
    },
    needPico: amounts.needPico,
    wantPico: amounts.wantPico,
  });
  return { amounts, underBudget, reserved };
}

const leftBefore: Observed = {
  outcome: "aborted",
  spent: "nothing",
  usage: undefined,
  textBytes: 0,
  last: { kind: "none" },
};

function ask(deps: RunDeps, call: Call, outputCap: number | undefined, answer: Answer): Promise<Observed> {
  const { request, target } = call;
  const { provider, model } = target;
  const asksForUsage = provider.reportsStreamUsage;
  return exchange(
    {
      clock: deps.clock,
      onStop: deps.onStop,
      onFirstByte: (elapsedMs) => deps.onFirstByte(call, elapsedMs),
    },
    provider,
    {
      path: "/chat/completions",
      body: upstreamBody(request, { model, asksForUsage, outputCap }),
      headers: {},
      streams: request.stream,
      hideUsage: asksForUsage && !request.wantsUsage,
      streamHeaders: () => ({
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        ...servedBy(call),
      }),
    },
    answer,
  );
}

/** What the limits on tokens are told; undefined: nobody knows, and they keep what they held. */
function tokensOf({ usage }: Settlement, { spent }: Observed): number | undefined {
  if (spent === "nothing") return 0;
  if (usage === undefined) return undefined;
  const { input, cacheRead, cacheWrite5m, cacheWrite1h, output } = usage;
  return input + cacheRead + cacheWrite5m + cacheWrite1h + output;
}

function settlementOf(reserved: ReservedCall, call: Call, observed: Observed, latencyMs: number): Settlement {
  const { outcome, last } = observed;
  const status =
    last.kind === "none" ? CLIENT_GONE : last.kind === "error" && !last.inStream ? last.error.status : 200;
  return { ...reserved, ...bill(reserved, call, observed), outcome, status, latencyMs };
}

/** What the call cost, as far as anybody can know. Unknown usage is estimated or charged as reserved, never zero. */
function bill(
  { price, reservedPico }: ReservedCall,
  { request }: Call,
  { spent, usage, textBytes, outcome }: Observed,
): Pick<Settlement, "usage" | "usageSource" | "costPico"> {
  if (spent === "nothing") return { usage: undefined, usageSource: "reported", costPico: 0n };
  if (usage !== undefined) {
    const usageSource = outcome === "completed" ? "reported" : "partial";
    return { usage, usageSource, costPico: costOf(usage, price.rates) };
  }
  if (spent === "unknown") return { usage, usageSource: "estimated", costPico: reservedPico };
  const estimate: Usage = {
    input: inputEstimate(request.bound),
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: Math.ceil(textBytes / BYTES_PER_TOKEN),
    reasoning: 0,
  };
  return { usage, usageSource: "estimated", costPico: costOf(estimate, price.rates) };
}

function conclude(call: Call, answer: Answer, { last }: Observed, { costPico }: Settlement): void {
  switch (last.kind) {
    case "whole":
      answer.begin(200, {
        "content-type": "application/json",
        "content-length": String(last.body.length),
        ...servedBy(call),
        "x-tollgate-cost-usd": usdText(costPico),
      });
      answer.end(last.body);
      break;
    case "end":
      answer.end(last.bytes);
      break;
    case "error":
      if (!last.inStream) throw last.error;
      answer.end(Buffer.from(`data: ${errorBody(last.error, call.correlationId)}\n\n`));
      break;
    case "none":
      answer.abandon();
  }
}

function servedBy({ target }: Call): Record<string, string> {
  const { provider, model } = target;
  const headers = { "x-tollgate-provider": provider.name, "x-tollgate-model": headerText(model) };
  return provider.simulated ? { ...headers, "x-tollgate-simulated": "true" } : headers;
}

/** Callers choose model names freely; a header takes visible ASCII only. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?");
}
