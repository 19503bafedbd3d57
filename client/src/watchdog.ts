import type { Clock } from "./clock.ts";

export type Watch = {
  readonly timeoutMs: number;
  /** When the whole call has to be over, milliseconds since the epoch. */
  readonly endAt: number;
  readonly signal: AbortSignal | undefined;
};

/** Ends a request whose answer keeps its reader waiting for too long, or that its caller has left. */
export type Watchdog = {
  /** For `fetch`. */
  readonly signal: AbortSignal;
  readonly isLate: boolean;
  /** Somebody waits for the next part of the answer. */
  begin(): void;
  /** It has arrived. While nobody waits nothing is late, and no timer keeps the process alive. */
  rest(): void;
  /** Ends the request. */
  abort(): void;
  /** The answer is complete. */
  stop(): void;
};

export function watchdog(clock: Clock, { timeoutMs, endAt, signal }: Watch): Watchdog {
  const controller = new AbortController();
  let isLate = false;
  let isOver = false;
  let cancel = (): void => {};
  const left = (): void => abort(signal?.reason);
  function stop(): void {
    isOver = true;
    cancel();
    signal?.removeEventListener("abort", left);
  }
  function abort(reason?: unknown): void {
    stop();
    controller.abort(reason);
  }
  if (signal?.aborted) left();
  else signal?.addEventListener("abort", left, { once: true });
  return {
    signal: controller.signal,
    get isLate() {
      return isLate;
    },
    begin() {
      cancel();
      if (isOver) return;
      cancel = clock.after(Math.max(0, Math.min(timeoutMs, endAt - clock.now())), () => {
        isLate = true;
        abort();
      });
    },
    rest: () => cancel(),
    abort: () => abort(),
    stop,
  };
}
