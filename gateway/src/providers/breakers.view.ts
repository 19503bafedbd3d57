import type { Clock } from "../lib/clock.ts";
import { type Breaker, unharmed } from "./breaker.ts";
import type { Seen } from "./breaker-store.ts";

/** What one process knows of breakers that are kept elsewhere: as they were last told of. */
export type View = {
  /** What time it is where they are kept, milliseconds since the epoch. */
  now(): number;
  breakerOf(provider: string): Breaker;
  knows(provider: string): boolean;
  /**
   * Replies and messages overtake each other: what is older than what is known is left out. `askedAt`, in milliseconds
   * of the monotonic clock: of a reply.
   */
  learn(provider: string, seen: Seen, askedAt?: number): void;
  /** Believes it, however old it seems. */
  replace(provider: string, seen: Seen): void;
  all(): ReadonlyMap<string, Breaker>;
};

/** No reply and no message is so late: a time so much earlier means that the clock over there was set back. */
const LATEST_MS = 5_000;

export function breakerView(clock: Clock): View {
  const known = new Map<string, Seen>();
  let offsetMs = clock.now() - clock.monotonic();

  /** What is heard now was so before; and a reply was so after the question. */
  function keepTime({ now }: Seen, askedAt = Number.NEGATIVE_INFINITY): void {
    offsetMs = Math.min(Math.max(offsetMs, now - clock.monotonic()), now - askedAt);
  }

  return {
    now: () => Math.round(clock.monotonic() + offsetMs),
    breakerOf: (provider) => known.get(provider)?.breaker ?? unharmed,
    knows: (provider) => known.has(provider),
    learn(provider, seen, askedAt) {
      keepTime(seen, askedAt);
      const earlierMs = (known.get(provider)?.now ?? seen.now) - seen.now;
      if (earlierMs <= 0 || earlierMs >= LATEST_MS) known.set(provider, seen);
    },
    replace: (provider, seen) => void known.set(provider, seen),
    all: () => new Map([...known].map(([provider, { breaker }]) => [provider, breaker])),
  };
}
