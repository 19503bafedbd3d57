import type { Chance } from "../lib/ids.ts";
import { type Breaker, type BreakerState, type Outcome, refusalOf, stateAt } from "./breaker.ts";
import { type SteadyDeps, steadyBreakers } from "./breakers.steady.ts";

/** The breakers of all providers, as calls use them. */
export type Breakers = {
  /** Costs no round trip, but where the call may be the probe. */
  admit(provider: string): Promise<Pass | Refusal>;
  /** Asks the store; `seen` is what this process knows already. */
  states(): Promise<readonly BreakerState[]>;
  seen(): readonly BreakerState[];
  /** False while the store is away, and this process decides by itself. */
  isShared(): boolean;
  /** Closes it. Rejects with BreakersUnavailable while the store is away. */
  reset(provider: string): Promise<void>;
  /** Waits for the reports that are under way. */
  close(): Promise<void>;
};

export type Pass = {
  readonly kind: "pass";
  readonly isProbe: boolean;
  /** Counts the first time only, and in the background. A probe that never reports holds its place for its lease. */
  report(outcome: Outcome): void;
  /** Begins a probe's lease anew. */
  renew(): void;
};

/** `resetAtMs`: milliseconds since the epoch. */
export type Refusal = {
  readonly kind: "refused";
  readonly state: "open" | "half_open";
  readonly retryAfterMs: number;
  readonly resetAtMs: number;
};

const TOKEN_BYTES = 9;

export function openBreakers(deps: SteadyDeps & { readonly chance: Chance }): Breakers {
  const { chance, rules, providers, onTrouble } = deps;
  const steady = steadyBreakers(deps);
  const { view, ask, look, isShared } = steady;
  const underWay = new Set<Promise<unknown>>();

  function inBackground(work: Promise<unknown>): void {
    const done = work.catch(onTrouble).finally(() => underWay.delete(done));
    underWay.add(done);
  }

  /** `token`: of a probe. */
  function passOf(provider: string, token?: string): Pass {
    let isReported = false;
    const matters = (outcome: Outcome): boolean =>
      token !== undefined ||
      outcome === "failure" ||
      (outcome === "ok" && view.breakerOf(provider).failures > 0);
    return {
      kind: "pass",
      isProbe: token !== undefined,
      report(outcome) {
        if (isReported) return;
        isReported = true;
        if (matters(outcome)) inBackground(ask(provider, (store) => store.report(provider, outcome, token)));
      },
      renew() {
        if (token === undefined || isReported) return;
        inBackground(ask(provider, (store) => store.renew(provider, token)));
      },
    };
  }

  function refusal(breaker: Breaker, now: number): Refusal | undefined {
    const found = refusalOf(breaker, rules, now);
    if (found === undefined) return undefined;
    return { kind: "refused", state: found.state, retryAfterMs: found.until - now, resetAtMs: found.until };
  }

  const seen = (): readonly BreakerState[] =>
    providers().map((provider) => stateAt(provider, view.breakerOf(provider), rules, view.now()));

  return {
    async admit(provider) {
      if (!view.knows(provider) && isShared()) await look();
      const known = view.breakerOf(provider);
      if (known.state === "closed") return passOf(provider);
      const foreseen = refusal(known, view.now());
      if (foreseen !== undefined) return foreseen;
      const token = Buffer.from(chance.bytes(TOKEN_BYTES)).toString("base64url");
      const { breaker, now } = await ask(provider, (store) => store.admit(provider, token));
      if (breaker.state === "closed") return passOf(provider);
      if (breaker.probe?.token === token) return passOf(provider, token);
      return refusal(breaker, now)!;
    },
    async states() {
      await look();
      return seen();
    },
    seen,
    isShared,
    reset: steady.reset,
    async close() {
      await Promise.all([steady.close(), ...underWay]);
    },
  };
}
