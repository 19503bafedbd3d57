import { staying } from "./lib/clock.ts";

/** A line of what the command was asked for. */
export const out = (text: string): void => void process.stdout.write(`${text}\n`);

/** A line of everything else. */
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

/**
 * Resolves when this process is told to stop. Ctrl-C reaches a process and whoever started it, who passes it on: the
 * second signal must not cut short what the first one began.
 */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve());
  });
}

/** Of a command that goes on until somebody ends it: a step that runs is finished first. */
let stopped: Promise<void> | undefined;
let isStopped = false;

/** Waits so many milliseconds. False: this process was told to stop meanwhile. */
export async function pause(ms: number): Promise<boolean> {
  stopped ??= stopSignal().then(() => {
    isStopped = true;
  });
  await staying(ms, stopped);
  return !isStopped;
}
