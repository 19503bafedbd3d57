import type { Clock } from "../lib/clock.ts";

/** Work that is done again and again, never twice at a time. */
export type Steady = {
  /** Now, or as soon as what is under way is through. Never throws. */
  now(): void;
  /** Begins nothing more and waits for what is under way. */
  stop(): Promise<void>;
};

/** Does `work` every `everyMs` and whenever asked to, whatever it throws. */
export function steadily(
  clock: Clock,
  everyMs: number,
  work: () => Promise<void>,
  onTrouble: (error: unknown) => void,
): Steady {
  let underWay: Promise<void> | undefined;
  let isAskedAgain = false;
  let isStopped = false;

  async function turn(): Promise<void> {
    do {
      isAskedAgain = false;
      await work().catch(onTrouble);
    } while (isAskedAgain && !isStopped);
    underWay = undefined;
  }
  function now(): void {
    if (isStopped) return;
    isAskedAgain = true;
    underWay ??= turn();
  }
  const callOff = clock.every(everyMs, () => {
    if (underWay === undefined) now();
  });
  return {
    now,
    async stop() {
      isStopped = true;
      callOff();
      await underWay;
    },
  };
}
