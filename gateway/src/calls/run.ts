import type { Settlement } from "../costs/ledger.ts";
import { atMost, type Clock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { usdText } from "../lib/money.ts";
import { type AskDeps, askInTurn, servedBy } from "./attempts.ts";
import { type Attempt, billOf, type PriceOf } from "./bill.ts";
import type { Answer, Call } from "./call.ts";
import { errorBody } from "./envelope.ts";
import { type Observed, UNSEEN } from "./exchange.ts";
import { type Hold, type HoldDeps, hold } from "./hold.ts";
import { type Admitted, firstAdmitted } from "./turns.ts";

export type RunDeps = HoldDeps &
  AskDeps & {
    readonly clock: Clock;
    readonly priceOf: PriceOf;
    /** Resolves when the call is on the ledger; tries until it is. */
    readonly settle: (settlement: Settlement) => Promise<void>;
    readonly onSettled: (settlement: Settlement) => void;
  };

/** An answer's last byte waits this long for the ledger; then it leaves, and settling goes on without it. */
export const LONGEST_HOLD_MS = 250;
const CLIENT_GONE = 499;

/**
 * reserve → call → meter → settle. The reservation is durable before a provider is asked, and the call is on the
 * ledger before the last byte of its answer leaves. However the call ends, it is settled once: with what was seen,
 * with nothing if no provider took it, or at its reservation if nobody can know.
 *
 * Answers what the ledger says. Throws, before anything was answered: 503 PROVIDER_UNAVAILABLE while the breakers of
 * all its providers are open, 402 BUDGET_EXCEEDED, 400 for what cannot run under a budget, and every failure of the
 * last provider asked that came before its first byte.
 */
export async function run(deps: RunDeps, call: Call, answer: Answer): Promise<Settlement> {
  const startedAt = deps.clock.monotonic();
  const first = await firstAdmitted(deps, call.route);
  const held = await holdFor(deps, call, first);
  const attempts = await askInTurn(deps, call, { first, held, answer }).catch((error) =>
    brokenOff(first, held, error),
  );
  const last = attempts.at(-1)!.observed;
  const settlement: Settlement = {
    ...held.reserved(),
    ...billOf(call, attempts, deps.priceOf),
    outcome: last.outcome,
    status: statusOf(last),
    latencyMs: deps.clock.monotonic() - startedAt,
  };
  const settled = deps.settle(settlement).then(() => deps.onSettled(settlement));
  const closed = call.ticket.settle(tokensOf(attempts));
  await atMost(deps.clock, LONGEST_HOLD_MS, Promise.all([settled, closed]));
  conclude(call, answer, attempts, settlement);
  return settlement;
}

async function holdFor(deps: RunDeps, call: Call, { target, pass }: Admitted): Promise<Hold> {
  try {
    return await hold(deps, call, target);
  } catch (error) {
    pass.report("neutral");
    throw error;
  }
}

/** A fault of the house: nobody knows what was spent, and the reservation must not be left behind. */
function brokenOff({ target }: Admitted, { terms }: Hold, cause: unknown): [Attempt] {
  const error = new TollgateError("INTERNAL", undefined, { cause });
  const observed: Observed = {
    outcome: "failed",
    spent: "unknown",
    ...UNSEEN,
    fate: { kind: "refused" },
    last: { kind: "error", error, inStream: false },
  };
  return [{ target, observed, heldPico: terms.heldPico }];
}

/** What the limits on tokens are told; undefined: nobody knows, and they keep what they held. */
function tokensOf(attempts: readonly Attempt[]): number | undefined {
  let tokens = 0;
  for (const { observed } of attempts) {
    if (observed.spent === "nothing") continue;
    if (observed.metered === undefined) return undefined;
    const { usage, besides } = observed.metered;
    for (const each of [usage, ...besides.map((beside) => beside.usage)]) tokens += each.input + each.output;
  }
  return tokens;
}

function statusOf({ last }: Observed): number {
  if (last.kind === "none") return CLIENT_GONE;
  return last.kind === "error" && !last.inStream ? last.error.status : 200;
}

function conclude(
  { request: { format }, correlationId }: Call,
  answer: Answer,
  attempts: readonly Attempt[],
  { costPico }: Settlement,
): void {
  const { last } = attempts.at(-1)!.observed;
  switch (last.kind) {
    case "whole":
      answer.begin(200, {
        "content-type": "application/json",
        "content-length": String(last.body.length),
        ...servedBy(attempts.at(-1)!.target, attempts.length),
        "x-tollgate-cost-usd": usdText(costPico),
      });
      answer.end(last.body);
      break;
    case "end":
      answer.end(last.bytes);
      break;
    case "error":
      if (!last.inStream) throw last.error;
      answer.end(Buffer.from(format.errorEvent(errorBody(last.error, correlationId, format.surface))));
      break;
    case "none":
      answer.abandon();
  }
}
