import type { Clock } from "./clock.ts";

/** Ends a request whose answer has been silent for too long, or that its caller has left. */
export type Watchdog = {
  /** For `fetch`. */
  readonly signal: AbortSignal;
  readonly isLate: boolean;
  /** Something has arrived: the time begins anew. */
  touch(): void;
  /** Ends the request. */
  abort(): void;
  /** The answer is complete. */
  stop(): void;
};

export function watchdog(clock: Clock, silenceMs: number, caller: AbortSignal | undefined): Watchdog {
  const controller = new AbortController();
  let isLate = false;
  let cancel = (): void => {};
  const left = (): void => controller.abort(caller?.reason);
  const bark = (): void => {
    isLate = true;
    controller.abort();
  };
  const watch = (): void => {
    cancel();
    cancel = clock.after(silenceMs, bark);
  };
  if (caller?.aborted) left();
  else caller?.addEventListener("abort", left, { once: true });
  watch();
  return {
    signal: controller.signal,
    get isLate() {
      return isLate;
    },
    touch: watch,
    abort: () => controller.abort(),
    stop() {
      cancel();
      caller?.removeEventListener("abort", left);
    },
  };
}
