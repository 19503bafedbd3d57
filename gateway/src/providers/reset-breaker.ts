import { TollgateError } from "../lib/errors.ts";
import type { Cause, Change } from "../telemetry/change.ts";
import type { BreakerState } from "./breaker.ts";
import { BreakersUnavailable } from "./breaker-store.ts";
import type { Breakers } from "./breakers.ts";

export type ResetDeps = { readonly breakers: Breakers; readonly change: Change };

/**
 * Asks a provider again at once, on every instance. Throws NOT_FOUND for one that is not configured, and
 * STORE_UNAVAILABLE while the instances cannot be told.
 */
export async function resetBreaker(
  { breakers, change }: ResetDeps,
  cause: Cause,
  provider: string,
): Promise<BreakerState> {
  const before = await stateOf(breakers, provider);
  await breakers.reset(provider).catch((error: unknown) => {
    if (!(error instanceof BreakersUnavailable)) throw error;
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
  });
  const after = await stateOf(breakers, provider);
  await change(cause, async (_tx, note) =>
    note({
      action: "breaker.reset",
      target: { type: "provider", id: provider },
      changes: { state: [before.state, after.state], failures: [before.failures, after.failures] },
    }),
  );
  return after;
}

async function stateOf(breakers: Breakers, provider: string): Promise<BreakerState> {
  const found = (await breakers.states()).find((state) => state.provider === provider);
  if (found === undefined) throw new TollgateError("NOT_FOUND");
  return found;
}
