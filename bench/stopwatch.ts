import { type Spread, spreadOf } from "./statistics.ts";

export type Timing = {
  /** Microseconds from one call to the next. */
  readonly wallUs: Spread;
  /** Microseconds of this process's CPU per call, garbage collection included. */
  readonly cpuUs: Spread;
};

const REPEATS = 7;
const REPEAT_MS = 200;
/** What runs before the clocks are read again. */
const BATCH = 64;

/** Where results go, so that no call can be left out as useless. */
export const sink: { last: unknown } = { last: undefined };

/** Times a function by calling it many thousand times. A promise is awaited, 64 of them at the same time. */
export async function timeOf(run: () => unknown): Promise<Timing> {
  const isAsync = run() instanceof Promise;
  const wallUs: number[] = [];
  const cpuUs: number[] = [];
  await repeat(run, isAsync); // warms up
  for (let i = 0; i < REPEATS; i++) {
    const { calls, elapsedUs, usedUs } = await repeat(run, isAsync);
    wallUs.push(elapsedUs / calls);
    cpuUs.push(usedUs / calls);
  }
  return { wallUs: spreadOf(wallUs)!, cpuUs: spreadOf(cpuUs)! };
}

async function repeat(run: () => unknown, isAsync: boolean) {
  const usedBefore = process.cpuUsage();
  const startedAt = performance.now();
  let calls = 0;
  let elapsedMs = 0;
  while (elapsedMs < REPEAT_MS) {
    if (isAsync) await Promise.all(Array.from({ length: BATCH }, () => run()));
    else for (let i = 0; i < BATCH; i++) sink.last = run();
    calls += BATCH;
    elapsedMs = performance.now() - startedAt;
  }
  const { user, system } = process.cpuUsage(usedBefore);
  return { calls, elapsedUs: elapsedMs * 1000, usedUs: user + system };
}
