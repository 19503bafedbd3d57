import type { Clock } from "../lib/clock.ts";
import type { Log } from "./log.ts";

const PAUSE_MS = 10_000;

/**
 * Logs trouble in the background that comes again and again while something is away: each kind at once, then at most
 * every ten seconds, with the number of times it was left out.
 */
export function troubleLog(deps: {
  readonly log: Log;
  readonly clock: Clock;
}): (what: string, error: unknown) => void {
  const { log, clock } = deps;
  const kinds = new Map<string, { quietUntil: number; leftOut: number }>();
  return (what, error) => {
    const now = clock.monotonic();
    const kind = kinds.get(what);
    if (kind !== undefined && now < kind.quietUntil) {
      kind.leftOut += 1;
      return;
    }
    log.error({ error, ...(kind === undefined ? {} : { leftOut: kind.leftOut }) }, what);
    kinds.set(what, { quietUntil: now + PAUSE_MS, leftOut: 0 });
  };
}
