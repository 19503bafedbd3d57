import type { Clock } from "../lib/clock.ts";
import { MOST_HOLDS, struck } from "./holds.ts";
import { isLive, renewed, withoutLease } from "./leases.ts";
import type { Counters, Dimension, Taken } from "./limit.ts";
import { corrected, correctionsOf } from "./settle.ts";
import { judge } from "./shapes.ts";
import { type Entry, memoryStates, sharedKeyOf } from "./states.memory.ts";
import { seedQuota } from "./windows.ts";

/**
 * Counters of one process. `entries` holds the state, at most about `maxEntries` of them. A flood of new subjects frees
 * nobody from a limit: while there is no room, all new subjects of a limit share one state. Their strikes do not count
 * then, for a hold that they share would be somebody else's.
 */
export function memoryCounters(deps: {
  readonly clock: Clock;
  readonly entries?: Map<string, Entry>;
  readonly maxEntries?: number;
}): Counters {
  const { clock } = deps;
  const { entries, stateOf, put, hasRoomFor, keysOf } = memoryStates(deps);
  /** Where decisions took that found no room: not from the states of their own keys. */
  const crowded = new WeakMap<Taken, readonly string[]>();
  /** True if the lease was alive. */
  const endLease = (key: string, lease: Dimension, now: number): boolean => {
    const entry = entries.get(key);
    if (entry === undefined) return false;
    const state = withoutLease(entry.state, lease);
    if (state === undefined) entries.delete(key);
    else entries.set(key, { ...entry, state });
    return isLive(entry.state, lease, now);
  };

  const settle: Counters["settle"] = async (dimensions, taken, costs) => {
    const now = clock.now();
    const keys = crowded.get(taken) ?? dimensions.map(({ key }) => key);
    const corrections = correctionsOf(dimensions, taken, costs);
    const leases = corrections.filter(({ dimension }) => dimension.shape === "lease");
    const ended = leases.map(({ index, dimension }) => endLease(keys[index]!, dimension, now));
    if (leases.length > 0 && !ended.includes(true)) return;
    for (const correction of corrections) {
      if (correction.dimension.shape === "lease") continue;
      const key = keys[correction.index]!;
      const entry = entries.get(key);
      const after = corrected(entry?.state, correction, taken, now);
      if (after === undefined) continue;
      const expiresAt = after.ttlMs === undefined ? entry!.expiresAt : now + after.ttlMs;
      entries.set(key, { state: after.state, expiresAt });
    }
  };

  return {
    kind: "memory",
    async take(dimensions, commit) {
      const now = clock.now();
      const keys = keysOf(dimensions, now);
      const steps = dimensions.map((dimension, i) => judge(stateOf(keys[i]!), dimension, now));
      const judgements = steps.map(({ judgement }) => judgement);
      const allowed = judgements.every(
        ({ verdict }, i) => verdict === "fits" || dimensions[i]!.reportOnly === true,
      );
      if (allowed && commit) {
        for (const [i, { write }] of steps.entries()) if (write !== undefined) put(keys[i]!, write, now);
      }
      const taken = { allowed, now, judgements };
      if (keys.some((key, i) => key !== dimensions[i]!.key)) crowded.set(taken, keys);
      return taken;
    },
    settle,
    giveBack: (dimensions, taken) =>
      settle(
        dimensions,
        taken,
        dimensions.map(() => 0),
      ),
    async renew(lease) {
      const now = clock.now();
      const key = [lease.key, sharedKeyOf(lease)].find((place) => isLive(stateOf(place), lease, now));
      if (key === undefined) return false;
      put(key, renewed(stateOf(key), lease, now), now);
      return true;
    },
    async seed(dimension, used) {
      const now = clock.now();
      const [key] = keysOf([dimension], now) as [string];
      put(key, seedQuota(stateOf(key), dimension, used, now), now);
    },
    async raiseEpoch(key, epoch) {
      if (epoch <= (stateOf(key)?.amount ?? -1)) return;
      entries.set(key, { state: { since: 0, amount: epoch }, expiresAt: Number.POSITIVE_INFINITY });
    },
    async strike(strike) {
      const { windowKey, holdKey } = strike;
      const now = clock.now();
      const result = struck(stateOf(windowKey), stateOf(holdKey), strike, now);
      if (result.kind === "held") return { until: result.until, started: false };
      const isKnown = entries.has(windowKey) || entries.has(holdKey);
      if (!isKnown && !hasRoomFor(1, now)) return { until: 0, started: false };
      if (result.kind === "counted") {
        put(windowKey, result.window, now);
        return { until: 0, started: false };
      }
      const { state, ttlMs } = result.hold;
      entries.delete(windowKey);
      entries.set(holdKey, { state, expiresAt: now + ttlMs, isHold: true });
      return { until: result.until, started: true };
    },
    async reset(keys) {
      for (const key of keys) entries.delete(key);
    },
    async holds() {
      const now = clock.now();
      return [...entries]
        .filter(([, { isHold, state }]) => isHold && state.since > now)
        .map(([key, { state }]) => ({ key, until: state.since }))
        .toSorted((a, b) => a.until - b.until || (a.key < b.key ? -1 : 1))
        .slice(0, MOST_HOLDS);
    },
    healthy: async () => true,
    close: async () => {},
  };
}
