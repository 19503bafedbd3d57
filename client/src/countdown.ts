import { type Clock, systemClock } from "./clock.ts";
import { parseTollgateError, secondsUntil } from "./errors.parse.ts";

export type CountdownOptions = {
  /** Called at once, then whenever a second is over; the last time with 0. */
  readonly onTick: (secondsLeft: number) => void;
  readonly clock?: Clock;
};

/**
 * Counts down to when trying again makes sense. It asks the clock at every tick, so it is right after a sleep as well.
 * An error that names no time ticks once, with 0. The returned function stops it.
 */
export function countdown(error: unknown, { onTick, clock = systemClock }: CountdownOptions): () => void {
  const { retryAt = 0 } = parseTollgateError(error, { now: clock.now() });
  let isStopped = false;
  let cancel = (): void => {};

  function tick(): void {
    const leftMs = retryAt - clock.now();
    onTick(secondsUntil(retryAt, clock.now()));
    if (leftMs > 0 && !isStopped) cancel = clock.after(leftMs % 1000 || 1000, tick);
  }

  tick();
  return () => {
    isStopped = true;
    cancel();
  };
}
