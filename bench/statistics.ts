/** Several measurements of one thing. */
export type Spread = {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
};

/** Undefined for no values. Values that are not finite are left out. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  sorted.sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  return {
    median: quantile(sorted, 0.5),
    min: sorted[0]!,
    max: sorted.at(-1)!,
    count: sorted.length,
  };
}

/** Linear between the two nearest values of an ascending list; NaN for an empty one. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
