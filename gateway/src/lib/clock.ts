import { createHistogram } from "node:perf_hooks";

/**
 * The one door to time. Rules take a time as an argument; everything that waits or asks the hour takes a `Clock`.
 * `VirtualClock` lets a test, a simulation or a replay move time by hand.
 */
export type Clock = {
  /** Wall clock, milliseconds since the epoch. May step; use it for what is stored and shown. */
  now(): number;
  /** Milliseconds that only grow. Use it to measure. */
  monotonic(): number;
  /** Calls `run` once after `ms`. The returned function calls it off. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` every `ms` until the returned function is called. Does not keep the process alive. */
  every(ms: number, run: () => void): () => void;
};

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Resolves after `ms` of this clock's time. Keeps the process alive only as long as somebody else does. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** Waits `ms` of real time, or until `end` resolves, and keeps the process alive for as long. */
export async function staying(ms: number, end: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, end]);
  clearTimeout(timer);
}

/** Runs `run` in the next turn of the event loop: what arrives before it joins the same batch. */
export function nextTurn(run: () => void): void {
  setImmediate(run);
}

/** How late the event loop runs what is due. */
export type EventLoopDelay = {
  /** The 99th percentile since the last sample, milliseconds. */
  sampleP99Ms(): number;
  stop(): void;
};

/** So coarse that it costs nothing, and that one long block in a second is above the second's 99th percentile. */
const PROBE_MS = 20;

/** Unlike `monitorEventLoopDelay`, which forgets at each reset when it last ran, it also sees a block that spans samples. */
export function eventLoopDelay(): EventLoopDelay {
  const periodsUs = createHistogram();
  let lastMs = performance.now();
  const probe = (): void => {
    const nowMs = performance.now();
    periodsUs.record(Math.max(1, Math.round((nowMs - lastMs) * 1000)));
    lastMs = nowMs;
  };
  const timer = setInterval(probe, PROBE_MS);
  timer.unref();
  return {
    sampleP99Ms() {
      probe();
      const p99Ms = periodsUs.percentile(99) / 1000;
      periodsUs.reset();
      return Math.max(0, p99Ms - PROBE_MS);
    },
    stop: () => clearInterval(timer),
  };
}

/** Blocks this thread: for the few waits before anything else runs. */
export function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Rejects with `makeError()` if `work` takes longer than `ms`. The work itself goes on. */
export function within<T>(clock: Clock, ms: number, work: Promise<T>, makeError: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(makeError()));
    work.then(resolve, reject).finally(cancel);
  });
}

/** Settles as `work` does, or resolves after `ms` if that comes first. The work itself goes on. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    work.then(() => resolve(), reject).finally(cancel);
  });
}

/** Time as ISO 8601, UTC, with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export const DAY_MS = 86_400_000;

/** The UTC day of a time, `YYYY-MM-DD`. Nearly always it is the one that was asked for before. */
export function utcDay(ms: number): string {
  const day = Math.floor(ms / DAY_MS);
  if (day !== lastDay.day) lastDay = { day, text: isoTime(ms).slice(0, 10) };
  return lastDay.text;
}

let lastDay = { day: 0, text: "1970-01-01" };

type Alarm = {
  at: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
};

/** A clock that stands still until `advance` is called; alarms then ring in the order of their times. */
export class VirtualClock implements Clock {
  #now: number;
  #monotonic = 0;
  #order = 0;
  readonly #alarms = new Set<Alarm>();

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now = (): number => this.#now;
  monotonic = (): number => this.#monotonic;
  after = (ms: number, run: () => void): (() => void) => this.#set(ms, undefined, run);
  every = (ms: number, run: () => void): (() => void) => this.#set(ms, ms, run);

  #set(ms: number, everyMs: number | undefined, run: () => void): () => void {
    const alarm: Alarm = { at: this.#monotonic + ms, order: this.#order++, everyMs, run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Moves both clocks forward by `ms` and rings every alarm on the way. */
  advance(ms: number): void {
    const target = this.#monotonic + ms;
    for (;;) {
      const due = [...this.#alarms].filter((alarm) => alarm.at <= target);
      const next = due.sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#now += next.at - this.#monotonic;
      this.#monotonic = next.at;
      if (next.everyMs === undefined) this.#alarms.delete(next);
      else next.at += next.everyMs;
      next.run();
    }
    this.#now += target - this.#monotonic;
    this.#monotonic = target;
  }

  /** Steps the wall clock only, as an administrator or a bad time server would. */
  step(ms: number): void {
    this.#now += ms;
  }
}
