import type { Clock } from "../lib/clock.ts";

/** Keeps callers from waiting for a server that is known to be silent. */
export type Silence = {
  /** undefined: fail at once, without asking the server. */
  enter(): Attempt | undefined;
};

export type Attempt = { succeeded(): void; failed(): void };

const FAILURES = 3;
const WITHIN_MS = 1_000;
const PAUSE_MS = 1_000;

/** After three failures within a second nobody tries for a second; then one caller does, and its outcome decides. */
export function silence(clock: Clock): Silence {
  let failures: number[] = [];
  let pausedUntil: number | undefined;
  let probing = false;

  const probe: Attempt = {
    succeeded() {
      probing = false;
      pausedUntil = undefined;
      failures = [];
    },
    failed() {
      probing = false;
      pausedUntil = clock.monotonic() + PAUSE_MS;
    },
  };
  const ordinary: Attempt = {
    succeeded() {},
    failed() {
      const now = clock.monotonic();
      failures = [...failures, now].filter((at) => now - at < WITHIN_MS).slice(-FAILURES);
      if (failures.length === FAILURES) pausedUntil ??= now + PAUSE_MS;
    },
  };

  return {
    enter() {
      if (pausedUntil === undefined) return ordinary;
      if (probing || clock.monotonic() < pausedUntil) return undefined;
      probing = true;
      return probe;
    },
  };
}
