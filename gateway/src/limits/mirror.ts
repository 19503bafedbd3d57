import type { Clock } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";

/** What a daily quota has used on a day (UTC, `YYYY-MM-DD`): the whole count, not a difference. */
export type QuotaCount = { readonly limit: AppliedLimit; readonly day: string; readonly used: number };

/**
 * The durable count of daily quotas, at most a second behind the counters: PostgreSQL seeds them when they are lost.
 */
export type QuotaMirror = {
  note(count: QuotaCount): void;
  /** Writes what is left; rejects if that fails. */
  close(): Promise<void>;
};

/**
 * `write` must keep the larger count of a day and never let an older day overwrite a newer one: instances write in
 * any order. What it rejects is kept for the next time.
 */
export function quotaMirror(deps: {
  readonly clock: Clock;
  readonly write: (counts: readonly QuotaCount[]) => Promise<void>;
}): QuotaMirror {
  const { clock, write } = deps;
  let unwritten = new Map<string, QuotaCount>();
  let cancel: (() => void) | undefined;
  let writing: Promise<void> = Promise.resolve();

  const keep = (count: QuotaCount): void => {
    const known = unwritten.get(count.limit.key);
    if (known === undefined || isNewer(count, known)) unwritten.set(count.limit.key, count);
  };
  const writeAll = async (): Promise<void> => {
    if (unwritten.size === 0) return;
    const counts = [...unwritten.values()];
    unwritten = new Map();
    try {
      await write(counts);
    } catch (error) {
      counts.forEach(keep);
      throw error;
    }
  };
  const schedule = (): void => {
    cancel ??= clock.after(WRITE_EVERY_MS, () => {
      writing = writeAll()
        .catch(() => undefined)
        .then(() => {
          cancel = undefined;
          if (unwritten.size > 0) schedule();
        });
    });
  };

  return {
    note(count) {
      keep(count);
      schedule();
    },
    async close() {
      await writing;
      cancel?.();
      await writeAll();
    },
  };
}

const WRITE_EVERY_MS = 1_000;

function isNewer(a: QuotaCount, b: QuotaCount): boolean {
  return a.day > b.day || (a.day === b.day && a.used > b.used);
}
