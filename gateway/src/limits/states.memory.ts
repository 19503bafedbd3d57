import type { Clock } from "../lib/clock.ts";
import type { Dimension } from "./limit.ts";
import type { State, Write } from "./shapes.ts";

/** A state, and when it has become as good as none (ms since the epoch). */
export type Entry = { readonly state: State; readonly expiresAt: number; readonly isHold?: true };

/** Where the counters of one process keep their states. */
export type MemoryStates = {
  readonly entries: Map<string, Entry>;
  stateOf(key: string): State | undefined;
  put(key: string, write: Write, now: number): void;
  hasRoomFor(wanted: number, now: number): boolean;
  /** Where the states of these dimensions are: under their own keys, or, new ones without room, under shared ones. */
  keysOf(dimensions: readonly Dimension[], now: number): readonly string[];
};

/** Only what has expired is evicted: a window that is over, a bucket that is full again. */
export function memoryStates(deps: {
  readonly clock: Clock;
  readonly entries?: Map<string, Entry>;
  readonly maxEntries?: number;
}): MemoryStates {
  const { clock, entries = new Map<string, Entry>(), maxEntries = 100_000 } = deps;
  let sweptAt = -SWEEP_EVERY_MS;

  const hasRoomFor = (wanted: number, now: number): boolean => {
    if (entries.size + wanted <= maxEntries) return true;
    if (clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return false;
    sweptAt = clock.monotonic();
    for (const [key, entry] of entries) if (entry.expiresAt <= now) entries.delete(key);
    return entries.size + wanted <= maxEntries;
  };
  return {
    entries,
    stateOf: (key) => entries.get(key)?.state,
    put(key, write, now) {
      entries.set(key, { state: write.state, expiresAt: now + write.ttlMs });
    },
    hasRoomFor,
    keysOf(dimensions, now) {
      const hasRoom = hasRoomFor(dimensions.length, now);
      return dimensions.map((dimension) =>
        hasRoom || entries.has(dimension.key) ? dimension.key : sharedKeyOf(dimension),
      );
    },
  };
}

/** While there is no room. */
export function sharedKeyOf({ id }: Dimension): string {
  return `overflow/${id}`;
}

/** A sweep visits every entry. */
const SWEEP_EVERY_MS = 1_000;
