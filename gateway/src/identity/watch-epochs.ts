import type { Clock } from "../lib/clock.ts";
import type { Store } from "../store/store.ts";
import type { Identifier } from "./identify.ts";
import { EPOCH_CHANNEL } from "./users.ts";

const POLL_MS = 500;

/**
 * Hears of changed identities by NOTIFY and tells the identifier and, through `raise`, the shared counters. Between
 * processes a notification may be lost; asking twice a second bounds the delay then.
 */
export async function watchEpochs(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly identifier: Identifier;
  readonly raise: (epoch: number) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}): Promise<() => Promise<void>> {
  const { store, clock, identifier, raise, onTrouble } = deps;
  const unlisten = await store.listen(EPOCH_CHANNEL, (payload) => {
    const epoch = Number(payload);
    identifier.noticeEpoch(epoch);
    raise(epoch).catch(onTrouble);
  });
  if (store.kind === "pglite") return unlisten;
  const stopPolling = clock.every(POLL_MS, () => identifier.refreshEpoch().catch(onTrouble));
  return async () => {
    stopPolling();
    await unlisten();
  };
}
