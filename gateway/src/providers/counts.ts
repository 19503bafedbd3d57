import type { Usage } from "../costs/usage.ts";

export type Counts<K extends string> = { readonly [key in K]: number | undefined };

/**
 * Token counts as a provider gave them; null and missing are undefined, zero stays zero. Undefined if any of them is
 * no count (a safe integer of at least 0): numbers that cannot be trusted bill nothing.
 */
export function countsOf<K extends string>(values: { readonly [key in K]: unknown }): Counts<K> | undefined {
  const counts: { [key in K]?: number | undefined } = {};
  for (const [key, value] of Object.entries(values) as [K, unknown][]) {
    if (value != null && !isCount(value)) return undefined;
    counts[key] = value ?? undefined;
  }
  return counts as Counts<K>;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

type Reported = Pick<Usage, "input" | "output"> & {
  readonly [K in keyof Omit<Usage, "input" | "output">]?: number | undefined;
};

/**
 * A usage that holds its invariants: each part is cut to what is left of the kind that it lies within. A detail of
 * zero is left out, like one that was not told. Undefined if the sums are beyond exact integers.
 */
export function usageOf(reported: Reported): Usage | undefined {
  const { input, output } = reported;
  if (!isCount(input) || !isCount(output)) return undefined;
  const fromInput = share(input);
  const cacheRead = fromInput(reported.cacheRead);
  const cacheWrite1h = fromInput(reported.cacheWrite1h);
  const cacheWrite5m = fromInput(reported.cacheWrite5m);
  const fromCache = share(cacheRead);
  const fromOutput = share(output);
  return {
    input,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    output,
    reasoning: Math.min(reported.reasoning ?? 0, output),
    ...told({
      audioInput: fromInput(reported.audioInput),
      imageInput: fromInput(reported.imageInput),
      cachedAudioInput: fromCache(reported.cachedAudioInput),
      cachedImageInput: fromCache(reported.cachedImageInput),
      audioOutput: fromOutput(reported.audioOutput),
      imageOutput: fromOutput(reported.imageOutput),
      webSearches: reported.webSearches,
      fileSearches: reported.fileSearches,
    }),
  };
}

/** Takes parts out of a whole, none larger than what is left. */
function share(whole: number): (part: number | undefined) => number {
  let left = whole;
  return (part = 0) => {
    const taken = Math.min(part, left);
    left -= taken;
    return taken;
  };
}

/** The fields that say something: neither undefined nor zero. */
export function told<T extends object>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== 0),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
