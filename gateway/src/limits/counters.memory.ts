import type { Clock } from "../lib/clock.ts";
import { stateAfterGiveBack } from "./give-back.ts";
import type { Counters, Dimension, Taken } from "./limit.ts";
import { judge, type State, seedQuota, type Write } from "./shapes.ts";

/** A state, and when it has become as good as none (ms since the epoch). */
export type Entry = { readonly state: State; readonly expiresAt: number };

/**
 * Counters of one process. `entries` holds the state, at most about `maxEntries` of them. Only what has expired is
 * evicted (a window that is over, a bucket that is full again), so a flood of new subjects frees nobody from a limit:
 * while there is no room, all new subjects of a limit share one state.
 */
export function memoryCounters(deps: {
  readonly clock: Clock;
  readonly entries?: Map<string, Entry>;
  readonly maxEntries?: number;
}): Counters {
  const { clock, entries = new Map<string, Entry>(), maxEntries = 100_000 } = deps;
  /** Where decisions took that found no room: not from the states of their own keys. */
  const crowded = new WeakMap<Taken, readonly string[]>();
  let sweptAt = -SWEEP_EVERY_MS;

  const hasRoomFor = (wanted: number, now: number): boolean => {
    if (entries.size + wanted <= maxEntries) return true;
    if (clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return false;
    sweptAt = clock.monotonic();
    for (const [key, entry] of entries) if (entry.expiresAt <= now) entries.delete(key);
    return entries.size + wanted <= maxEntries;
  };
  const keysOf = (dimensions: readonly Dimension[], now: number): readonly string[] => {
    const hasRoom = hasRoomFor(dimensions.length, now);
    return dimensions.map(({ id, key }) => (hasRoom || entries.has(key) ? key : `overflow/${id}`));
  };
  const put = (key: string, write: Write, now: number): void => {
    entries.set(key, { state: write.state, expiresAt: now + write.ttlMs });
  };

  return {
    kind: "memory",
    async take(dimensions, commit) {
      const now = clock.now();
      const keys = keysOf(dimensions, now);
      const steps = dimensions.map((dimension, i) => judge(entries.get(keys[i]!)?.state, dimension, now));
      const judgements = steps.map(({ judgement }) => judgement);
      const allowed = judgements.every(({ verdict }) => verdict === "fits");
      if (allowed && commit) {
        for (const [i, { write }] of steps.entries()) if (write !== undefined) put(keys[i]!, write, now);
      }
      const taken = { allowed, now, judgements };
      if (keys.some((key, i) => key !== dimensions[i]!.key)) crowded.set(taken, keys);
      return taken;
    },
    async giveBack(dimensions, taken) {
      if (!taken.allowed) return;
      const keys = crowded.get(taken) ?? dimensions.map(({ key }) => key);
      for (const [i, key] of keys.entries()) {
        const entry = entries.get(key);
        const state = stateAfterGiveBack(entry?.state, dimensions[i]!, taken, i);
        if (entry !== undefined && state !== undefined) entries.set(key, { ...entry, state });
      }
    },
    async seed(dimension, used) {
      const now = clock.now();
      const [key] = keysOf([dimension], now) as [string];
      put(key, seedQuota(entries.get(key)?.state, dimension, used, now), now);
    },
    async raiseEpoch(key, epoch) {
      if (epoch <= (entries.get(key)?.state.amount ?? -1)) return;
      entries.set(key, { state: { since: 0, amount: epoch }, expiresAt: Number.POSITIVE_INFINITY });
    },
    healthy: async () => true,
    close: async () => {},
  };
}

/** A sweep visits every entry. */
const SWEEP_EVERY_MS = 1_000;
