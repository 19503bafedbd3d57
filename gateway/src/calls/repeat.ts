import type { Settlement } from "../costs/ledger.ts";
import type { Price } from "../costs/prices.ts";
import { ratesFrom } from "../costs/rates.ts";
import { atMost } from "../lib/clock.ts";
import type { Ticket } from "../limits/ticket.ts";
import { CACHE } from "../providers/known.ts";
import type { Asked } from "./ask.ts";
import { LONGEST_HOLD_MS, type RunDeps } from "./run.ts";

/** An AI request that is answered with what an earlier call had said. */
export type Repeated = Omit<Asked, "body" | "signal"> & {
  /** Who wrote the answer then. */
  readonly model: string;
  readonly ticket: Ticket;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
};

const free: Price = { source: "shipped", id: CACHE, rates: ratesFrom({ input: "0", output: "0" }) };

/**
 * Puts it on the ledger as a call that the cache answered: it reserves nothing, used nothing and costs nothing, and no
 * budget stands in its way. Its limits were taken as for every other call.
 */
export async function repeat(
  { clock, settle, onSettled }: Pick<RunDeps, "clock" | "settle" | "onSettled">,
  { principal, callId, ticket, startedAt, ...about }: Repeated,
): Promise<Settlement> {
  const settlement: Settlement = {
    ...about,
    id: callId,
    userId: principal.userId,
    keyId: principal.key?.keyId,
    provider: CACHE,
    price: free,
    streamed: false,
    createdAtMs: clock.now(),
    budgetIds: [],
    reservedPico: 0n,
    usage: undefined,
    usageSource: "reported",
    costPico: 0n,
    lines: [],
    outcome: "completed",
    status: 200,
    latencyMs: clock.monotonic() - startedAt,
  };
  const settled = settle(settlement).then(() => onSettled(settlement));
  await atMost(clock, LONGEST_HOLD_MS, Promise.all([settled, ticket.settle(0)]));
  return settlement;
}
