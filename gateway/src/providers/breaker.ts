/**
 * Stops asking a provider that keeps failing, and finds out with one call at a time whether it is back (V2). All times
 * are milliseconds since the epoch, by the clock of whoever keeps the state.
 */
export type Breaker =
  /** `failures` without a success between them; they are forgotten a minute after the last. */
  | { readonly state: "closed"; readonly failures: number; readonly failedAt: number }
  /** Refuses until `until`; from then on it is half open, and lets one probe through at a time. */
  | {
      readonly state: "open";
      readonly failures: number;
      /** When it opened first: a probe that fails does not change it. */
      readonly openedAt: number;
      readonly until: number;
      readonly probe: Probe | undefined;
    };

/** The one call that may find out. Who has not reported by `until` is replaced. */
export type Probe = { readonly token: string; readonly until: number };

export type BreakerRules = {
  /** So many failures in a row open it. */
  readonly threshold: number;
  readonly openMs: number;
  readonly probeLeaseMs: number;
};

/**
 * What a call tells of its provider. `alive`: it answered, and the answer says nothing of how well it works. `neutral`:
 * nobody knows, for the call never got so far.
 */
export type Outcome = "ok" | "failure" | "alive" | "neutral";

/** `reopened`: the probe failed. `probing`: a probe was let through. */
export type Change = "opened" | "reopened" | "probing" | "closed";

/** `breaker` is the one that was given if nothing is different. */
export type Next = { readonly breaker: Breaker; readonly change?: Change };

export const unharmed: Breaker = { state: "closed", failures: 0, failedAt: 0 };

/** After so long without another the failures of a closed breaker are no row any more. */
export const FAILURES_LAST_MS = 60_000;

/** Why no call passes now, and until when; undefined: closed, or the next call may be the probe. */
export function refusalOf(
  breaker: Breaker,
  rules: BreakerRules,
  now: number,
): { readonly state: "open" | "half_open"; readonly until: number } | undefined {
  if (breaker.state === "closed") return undefined;
  if (isResting(breaker, rules, now)) return { state: "open", until: breaker.until };
  const { probe } = breaker;
  return probe !== undefined && now < probe.until ? { state: "half_open", until: probe.until } : undefined;
}

/** A call asks to pass. It has if the breaker is closed, or the probe is its own. */
export function admitted(breaker: Breaker, token: string, rules: BreakerRules, now: number): Next {
  if (breaker.state === "closed" || refusalOf(breaker, rules, now) !== undefined) return { breaker };
  return { breaker: { ...breaker, probe: { token, until: now + rules.probeLeaseMs } }, change: "probing" };
}

/** `token`: of a call that passed as the probe. While open, nobody else's word counts: those calls are old. */
export function reported(
  breaker: Breaker,
  outcome: Outcome,
  token: string | undefined,
  rules: BreakerRules,
  now: number,
): Next {
  if (breaker.state === "closed") {
    if (outcome === "failure") return failed(failuresAt(breaker, now) + 1, rules, now);
    return { breaker: outcome === "ok" && breaker.failures > 0 ? unharmed : breaker };
  }
  if (token === undefined || breaker.probe?.token !== token) return { breaker };
  if (outcome === "neutral") return { breaker: { ...breaker, probe: undefined } };
  if (outcome !== "failure") return { breaker: unharmed, change: "closed" };
  const { openedAt, failures } = breaker;
  return { breaker: opened(failures + 1, openedAt, rules, now), change: "reopened" };
}

/** The probe takes longer than its lease, and is alive. Whoever was replaced stays so. */
export function renewed(breaker: Breaker, token: string, rules: BreakerRules, now: number): Next {
  if (breaker.state === "closed" || breaker.probe?.token !== token) return { breaker };
  return { breaker: { ...breaker, probe: { token, until: now + rules.probeLeaseMs } } };
}

/** An administrator knows better. */
export function reset(breaker: Breaker): Next {
  if (breaker.state === "open") return { breaker: unharmed, change: "closed" };
  return { breaker: breaker.failures > 0 ? unharmed : breaker };
}

/** A breaker as people see it. */
export type BreakerState = {
  readonly provider: string;
  readonly state: "closed" | "open" | "half_open";
  readonly failures: number;
  readonly openedAt: number | undefined;
  readonly until: number | undefined;
  readonly probeUntil: number | undefined;
};

export function stateAt(provider: string, breaker: Breaker, rules: BreakerRules, now: number): BreakerState {
  const failures = failuresAt(breaker, now);
  if (breaker.state === "closed") {
    return {
      provider,
      state: "closed",
      failures,
      openedAt: undefined,
      until: undefined,
      probeUntil: undefined,
    };
  }
  const state = isResting(breaker, rules, now) ? "open" : "half_open";
  const { openedAt, until, probe } = breaker;
  return { provider, state, failures, openedAt, until, probeUntil: probe?.until };
}

/** More than a whole rest ahead means that the clock was set back: who waits for that waits too long. */
function isResting({ until }: { readonly until: number }, { openMs }: BreakerRules, now: number): boolean {
  return now < until && until - now <= openMs;
}

function failuresAt(breaker: Breaker, now: number): number {
  const isOver = breaker.state === "closed" && now >= breaker.failedAt + FAILURES_LAST_MS;
  return isOver ? 0 : breaker.failures;
}

function failed(failures: number, rules: BreakerRules, now: number): Next {
  if (failures < rules.threshold) return { breaker: { state: "closed", failures, failedAt: now } };
  return { breaker: opened(failures, now, rules, now), change: "opened" };
}

function opened(failures: number, openedAt: number, { openMs }: BreakerRules, now: number): Breaker {
  return { state: "open", failures, openedAt, until: now + openMs, probe: undefined };
}
