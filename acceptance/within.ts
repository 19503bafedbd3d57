import { setTimeout as pause } from "node:timers/promises";

/** Resolves as `work` does; rejects if that takes longer than `limitMs`. */
export async function within<T>(limitMs: number, work: Promise<T>, what = "an answer"): Promise<T> {
  const given = new AbortController();
  const late = pause(limitMs, undefined, { signal: given.signal }).then(
    () => {
      throw new Error(`${what} took longer than ${limitMs} ms`);
    },
    () => new Promise<never>(() => {}),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    given.abort();
  }
}
