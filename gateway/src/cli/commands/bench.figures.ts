/** Of calls that ended within a time: their waits, and how many there were. */
export type Figures = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
};

/** Calls of one stretch of time: how long each took, and how long it was until the last had ended. */
export type Slice = { readonly takenMs: readonly number[]; readonly elapsedMs: number };

/** Of one call at least. Throws a RangeError if there is none. */
export function figuresOf(slices: readonly Slice[]): Figures {
  const sorted = slices.flatMap(({ takenMs }) => takenMs).toSorted((one, other) => one - other);
  const elapsedMs = slices.reduce((sum, slice) => sum + slice.elapsedMs, 0);
  return {
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    perSecond: (sorted.length * 1000) / elapsedMs,
  };
}

/** The least of the sorted values that this part of all does not exceed (nearest rank). */
function percentile(sorted: readonly number[], part: number): number {
  const value = sorted[Math.ceil(sorted.length * part) - 1];
  if (value === undefined) throw new RangeError("nothing was measured");
  return value;
}

/** How much longer the second takes. */
export function addedBy(directly: Figures, through: Figures): Omit<Figures, "perSecond"> {
  return { p50Ms: through.p50Ms - directly.p50Ms, p99Ms: through.p99Ms - directly.p99Ms };
}
