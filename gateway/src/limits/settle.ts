import { chargedBucket } from "./bucket.ts";
import type { Dimension, Taken } from "./limit.ts";
import type { State } from "./shapes.ts";

/** What a settlement changes about one dimension of its decision; for a lease, that it ends. */
export type Correction = {
  /** Of the dimension in its decision. */
  readonly index: number;
  readonly dimension: Dimension;
  /** The real cost less the one that was taken. */
  readonly delta: number;
};

/** Nothing about a dimension that only reads, that took nothing because it only reports, or that cost what it took. */
export function correctionsOf(
  dimensions: readonly Dimension[],
  taken: Taken,
  costs: readonly number[],
): readonly Correction[] {
  if (!taken.allowed) return [];
  return dimensions.flatMap((dimension, index) => {
    const { shape, cost } = dimension;
    if (shape === "epoch" || shape === "hold" || taken.judgements[index]!.verdict !== "fits") return [];
    const delta = costs[index]! - cost;
    return (shape === "lease" ? cost > 0 : delta !== 0) ? [{ index, dimension, delta }] : [];
  });
}

/** What is stored after a correction, and how long it can matter (undefined: as long as before). */
export type Corrected = { readonly state: State; readonly ttlMs: number | undefined };

/**
 * undefined: nothing changes. A window is corrected only while it is the one that gave: the next one owes nothing.
 * `settle.lua.ts` says the same in Lua.
 */
export function corrected(
  state: State | undefined,
  { index, dimension, delta }: Correction,
  taken: Taken,
  now: number,
): Corrected | undefined {
  if (dimension.shape === "bucket") {
    // Without a state it is full.
    return state === undefined && delta < 0 ? undefined : chargedBucket(state, dimension, delta, now);
  }
  if (state?.since !== windowStartOf(dimension, taken, index)) return undefined;
  return { state: { ...state, amount: Math.max(0, state.amount + delta) }, ttlMs: undefined };
}

/** The start of the window or day out of which the `index`-th cost was taken, milliseconds since the epoch. */
export function windowStartOf({ windowMs }: Dimension, taken: Taken, index: number): number {
  return taken.now + taken.judgements[index]!.resetMs - windowMs;
}
