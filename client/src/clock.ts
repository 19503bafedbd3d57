/** Time as far as a client needs it; a test moves it by hand. */
export type Clock = {
  /** Milliseconds since the epoch, by this device. */
  now(): number;
  /** Calls `run` once after `ms`. The returned function calls it off. */
  after(ms: number, run: () => void): () => void;
};

/** A longer one would ring at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`; rejects with the signal's reason if that is aborted before. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const left = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", left);
      resolve();
    });
    signal?.addEventListener("abort", left, { once: true });
  });
}

/** Resolves as `work` does; rejects with the signal's reason if that is aborted before. The work itself goes on. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const left = () => reject(signal.reason);
    signal.addEventListener("abort", left, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", left));
  });
}

/** Settles as `work` does, or rejects with `makeError()` at `endAt` if that comes first. The work itself goes on. */
export function orLate<T>(clock: Clock, endAt: number, work: Promise<T>, makeError: () => Error): Promise<T> {
  if (endAt === Number.POSITIVE_INFINITY) return work;
  return new Promise((resolve, reject) => {
    const cancel = clock.after(Math.max(0, endAt - clock.now()), () => reject(makeError()));
    work.then(resolve, reject).finally(cancel);
  });
}
