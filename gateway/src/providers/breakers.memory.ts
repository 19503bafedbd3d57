import {
  admitted,
  type Breaker,
  type BreakerRules,
  type Next,
  renewed,
  reported,
  reset,
  unharmed,
} from "./breaker.ts";
import type { BreakerListener, BreakerStore, Seen, Step } from "./breaker-store.ts";

/** Breakers of one process. `known`: how they stand to begin with. */
export function memoryBreakers(deps: {
  readonly rules: BreakerRules;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly known?: ReadonlyMap<string, Breaker>;
}): BreakerStore {
  const { rules } = deps;
  const breakers = new Map(deps.known);
  const listeners = new Set<BreakerListener>();

  async function step(provider: string, next: (breaker: Breaker, now: number) => Next): Promise<Step> {
    const now = deps.now();
    const before = breakers.get(provider) ?? unharmed;
    const after = next(before, now);
    if (after.breaker !== before) {
      breakers.set(provider, after.breaker);
      for (const listener of listeners) listener.seen(provider, { now, breaker: after.breaker });
    }
    return { now, ...after };
  }

  return {
    async read(providers) {
      const now = deps.now();
      const seen = (provider: string): Seen => ({ now, breaker: breakers.get(provider) ?? unharmed });
      return new Map(providers.map((provider) => [provider, seen(provider)]));
    },
    admit: (provider, token) => step(provider, (breaker, now) => admitted(breaker, token, rules, now)),
    report: (provider, outcome, token) =>
      step(provider, (breaker, now) => reported(breaker, outcome, token, rules, now)),
    renew: (provider, token) => step(provider, (breaker, now) => renewed(breaker, token, rules, now)),
    reset: (provider) => step(provider, reset),
    follow(listener) {
      listeners.add(listener);
      listener.listening();
      return () => listeners.delete(listener);
    },
  };
}
