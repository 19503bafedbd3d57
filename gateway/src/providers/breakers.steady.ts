import type { Clock } from "../lib/clock.ts";
import { type Breaker, type BreakerRules, type Change, unharmed } from "./breaker.ts";
import { type BreakerStore, BreakersUnavailable, type Seen, type Step } from "./breaker-store.ts";
import { memoryBreakers } from "./breakers.memory.ts";
import { breakerView, type View } from "./breakers.view.ts";

export type BreakerChange = {
  readonly provider: string;
  readonly change: Change;
  /** After it. */
  readonly breaker: Breaker;
  /** False: of this process only, for the store is away. */
  readonly isShared: boolean;
};

/** A store of breakers that always answers, and what is known of it without asking. */
export type SteadyBreakers = {
  readonly view: View;
  ask(provider: string, work: (store: BreakerStore) => Promise<Step>): Promise<Step>;
  /** Rejects with BreakersUnavailable while the store is away. */
  reset(provider: string): Promise<void>;
  /** Reads all of them. */
  look(): Promise<void>;
  /** False while the store is away. */
  isShared(): boolean;
  close(): Promise<void>;
};

export type SteadyDeps = {
  readonly clock: Clock;
  readonly rules: BreakerRules;
  /** Names of those that there are now. */
  readonly providers: () => readonly string[];
  readonly store: BreakerStore;
  /** Told once in the cluster, to the instance that made the change. */
  readonly onChange: (change: BreakerChange) => void;
  readonly onTrouble: (error: unknown) => void;
};

const LOOK_EVERY_MS = 500;

/**
 * Knows what the store knows: it is told of every change, and looks twice a second. A store that is away is replaced by
 * the same machine in this process, going on from what was known last, until the store answers again and leads.
 */
export function steadyBreakers(deps: SteadyDeps): SteadyBreakers {
  const { clock, rules, providers, store, onChange, onTrouble } = deps;
  const view = breakerView(clock);
  /** What decides while the store is away, and what was known when it went. */
  let alone: { readonly store: BreakerStore; readonly since: ReadonlyMap<string, Breaker> } | undefined;

  function goOnAlone(cause: unknown): BreakerStore {
    if (alone === undefined) {
      onTrouble(cause);
      const since = view.all();
      alone = { store: memoryBreakers({ rules, now: view.now, known: since }), since };
    }
    return alone.store;
  }

  function noted(provider: string, by: BreakerStore, step: Step, askedAt?: number): Step {
    const { now, breaker, change } = step;
    if (by === (alone?.store ?? store)) view.learn(provider, { now, breaker }, askedAt);
    if (change !== undefined) onChange({ provider, change, breaker, isShared: by === store });
    return step;
  }

  let looking: Promise<void> | undefined;
  function look(): Promise<void> {
    const askedAt = clock.monotonic();
    looking ??= store
      .read(providers())
      .then(
        (all) => follow(all, askedAt),
        (error: unknown) => void goOnAlone(error),
      )
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  function follow(all: ReadonlyMap<string, Seen>, askedAt: number): void {
    const was = alone;
    alone = undefined;
    for (const [provider, seen] of all) {
      if (was !== undefined) comeBack(provider, was.since.get(provider) ?? unharmed, seen);
      view.learn(provider, seen, askedAt);
    }
  }

  /** What this process told of while it was alone, and was so nowhere else, it takes back. */
  function comeBack(provider: string, before: Breaker, seen: Seen): void {
    const here = view.breakerOf(provider);
    view.replace(provider, seen);
    const { state } = seen.breaker;
    if (here.state === state || before.state !== state) return;
    const change = state === "open" ? "opened" : "closed";
    onChange({ provider, change, breaker: seen.breaker, isShared: false });
  }

  const stopLooking = clock.every(LOOK_EVERY_MS, look);
  const stopFollowing = store.follow({
    seen(provider, seen) {
      if (alone === undefined) view.learn(provider, seen);
    },
    listening: look,
  });

  return {
    view,
    async ask(provider, work) {
      const asked = alone?.store ?? store;
      const askedAt = clock.monotonic();
      try {
        return noted(provider, asked, await work(asked), asked === store ? askedAt : undefined);
      } catch (error) {
        if (!(error instanceof BreakersUnavailable)) throw error;
        const own = goOnAlone(error);
        return noted(provider, own, await work(own));
      }
    },
    async reset(provider) {
      noted(provider, store, await store.reset(provider));
    },
    look,
    isShared: () => alone === undefined,
    async close() {
      stopLooking();
      stopFollowing();
      await looking;
    },
  };
}
