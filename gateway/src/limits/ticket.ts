import type { Clock } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";
import { isInTokens, isLease } from "./applicable.ts";
import { type Counters, CountersUnavailable, type Taken } from "./limit.ts";

/**
 * What an admission took, closed once: when the call is over, or was refused after all. What the counters cannot hear
 * stays as it was taken, and a place among the calls under way ends by itself.
 */
export type Ticket = {
  /** The call is over and came to this many tokens; undefined: nobody knows, and what was reserved stays. */
  settle(tokens: number | undefined): Promise<void>;
  /** As if the call had never been. False if the ticket was closed before. */
  giveBack(): Promise<boolean>;
};

/** Some of the limits of a decision, and whose counters took them. */
export type Part = {
  readonly counters: Pick<Counters, "settle" | "giveBack" | "renew">;
  readonly limits: readonly AppliedLimit[];
  readonly taken: Taken;
};

export function ticketOf({ clock }: { readonly clock: Clock }, parts: readonly Part[]): Ticket {
  const stops = parts.flatMap(({ counters, limits }) =>
    limits
      .filter(isLease)
      .map((lease) => clock.every(lease.windowMs / 3, () => void counters.renew(lease).catch(ignoreOutage))),
  );
  let isClosed = false;
  const close = async (work: (part: Part) => Promise<void>): Promise<boolean> => {
    if (isClosed) return false;
    isClosed = true;
    for (const stop of stops) stop();
    await Promise.all(parts.map((part) => work(part).catch(ignoreOutage)));
    return true;
  };
  return {
    async settle(tokens) {
      await close(async ({ counters, limits, taken }) => {
        if (!limits.some(isLease)) return;
        const costs = limits.map((limit) => (isInTokens(limit) ? (tokens ?? limit.cost) : limit.cost));
        await counters.settle(limits, taken, costs);
      });
    },
    giveBack: () => close(({ counters, limits, taken }) => counters.giveBack(limits, taken)),
  };
}

function ignoreOutage(error: unknown): void {
  if (!(error instanceof CountersUnavailable)) throw error;
}
