import { TollgateError } from "../lib/errors.ts";

/** Runs `work` when its turn comes, or throws OVERLOADED at once when too much waits already. */
export type HashGate = <T>(work: () => Promise<T>) => Promise<T>;

const RETRY_AFTER_MS = 1_000;

/**
 * Password hashes take 20 MB and a thread each, from a pool that everything else shares: `running` at a time,
 * `waiting` behind them, first come first served. A place is given back when the work has ended, not when its caller
 * has gone: whoever hangs up frees nothing.
 */
export function hashGate(places: { readonly running: number; readonly waiting: number }): HashGate {
  const line: (() => void)[] = [];
  let free = places.running;
  return async (work) => {
    if (free > 0) free -= 1;
    else if (line.length < places.waiting) await new Promise<void>((enter) => line.push(enter));
    else throw new TollgateError("OVERLOADED", { retryAfterMs: RETRY_AFTER_MS });
    try {
      return await work();
    } finally {
      const next = line.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
