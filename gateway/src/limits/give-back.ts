import type { Dimension, Taken } from "./limit.ts";
import { capacityOf, type State } from "./shapes.ts";

/**
 * A dimension's state after the `index`-th cost of a decision is returned to it; undefined: nothing is to be returned.
 * A window gets back only what it gave: the next one owes nothing. `give-back.lua.ts` says the same in Lua.
 */
export function stateAfterGiveBack(
  state: State | undefined,
  dimension: Dimension,
  taken: Taken,
  index: number,
): State | undefined {
  if (state === undefined || dimension.shape === "epoch") return undefined;
  const { since, amount } = state;
  if (dimension.shape === "bucket") {
    return { since, amount: Math.min(capacityOf(dimension), amount + dimension.cost) };
  }
  if (since !== windowStartOf(dimension, taken, index)) return undefined;
  return { since, amount: Math.max(0, amount - dimension.cost) };
}

/** The start of the window or day out of which the `index`-th cost was taken, milliseconds since the epoch. */
export function windowStartOf({ windowMs }: Dimension, taken: Taken, index: number): number {
  return taken.now + taken.judgements[index]!.resetMs - windowMs;
}
