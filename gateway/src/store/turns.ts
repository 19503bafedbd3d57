import type { Clock } from "../lib/clock.ts";
import { StoreUnavailable } from "./outages.ts";

/** One after another, in the order they came. */
export type Turns = {
  /** Resolves when it is the caller's turn, with the function that ends it. Rejects after `patienceMs`. */
  take(patienceMs: number): Promise<() => void>;
};

export function turns(clock: Clock): Turns {
  const waiting = new Set<() => void>();
  let taken = false;

  const end = (): void => {
    const [next] = waiting;
    if (next === undefined) taken = false;
    else next();
  };
  return {
    take(patienceMs) {
      if (!taken) {
        taken = true;
        return Promise.resolve(end);
      }
      return new Promise((resolve, reject) => {
        const cancel = clock.after(patienceMs, () => {
          waiting.delete(begin);
          reject(new StoreUnavailable(`another transaction has held the database for ${patienceMs} ms`));
        });
        const begin = (): void => {
          cancel();
          waiting.delete(begin);
          resolve(end);
        };
        waiting.add(begin);
      });
    },
  };
}
