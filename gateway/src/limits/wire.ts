import { leaseOf } from "./leases.ts";
import type { Dimension, Judgement, Taken, Verdict } from "./limit.ts";
import { type Correction, windowStartOf } from "./settle.ts";

/** A dimension as `take.lua.ts` reads it. */
export function dimensionText(dimension: Dimension): string {
  const { shape, limit, windowMs, cost } = dimension;
  const letter = dimension.reportOnly ? `${letters[shape]}r` : letters[shape];
  return `${letter} ${limit} ${windowMs} ${cost} ${extraOf(dimension)}`;
}

/** A correction as `settle.lua.ts` reads it. */
export function correctionText({ index, dimension, delta }: Correction, taken: Taken): string {
  const { shape, limit, windowMs } = dimension;
  const start = windowStartOf(dimension, taken, index);
  return `${letters[shape]} ${start} ${delta} ${limit} ${windowMs} ${extraOf(dimension)}`;
}

const letters = {
  window: "w",
  aligned: "a",
  sliding: "s",
  dailyQuota: "q",
  bucket: "b",
  lease: "k",
  hold: "h",
  epoch: "e",
} as const satisfies Record<Dimension["shape"], string>;

function extraOf(dimension: Dimension): string | number {
  return dimension.shape === "lease" ? leaseOf(dimension) : dimension.capacity;
}

const verdicts: readonly Verdict[] = ["exceeded", "fits", "stale", "unseeded"];

/** Out of a reply of `take.lua.ts`. */
export function judgementFrom(text: string): Judgement {
  const parts = text.split(" ");
  return {
    verdict: verdicts[Number(parts[0])]!,
    remaining: Number(parts[1]),
    resetMs: Number(parts[2]),
    retryMs: Number(parts[3]),
  };
}
