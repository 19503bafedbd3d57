import { DAY_MS } from "../lib/clock.ts";
import type { Dimension, Strike } from "./limit.ts";
import type { State, Step, Write } from "./shapes.ts";
import { judgeWindow } from "./windows.ts";

/** What a strike does. `holds.lua.ts` says the same in Lua. */
export type Struck =
  | { readonly kind: "held"; readonly until: number }
  | { readonly kind: "counted"; readonly window: Write }
  /** The window is forgotten. */
  | { readonly kind: "started"; readonly hold: Write; readonly until: number };

export function struck(
  window: State | undefined,
  hold: State | undefined,
  strike: Strike,
  now: number,
): Struck {
  const { threshold, windowMs, baseMs, capMs } = strike;
  if (hold !== undefined && hold.since > now) return { kind: "held", until: hold.since };
  const { write } = judgeWindow(window, { limit: threshold - 1, windowMs, cost: 1 }, now);
  if (write !== undefined) return { kind: "counted", window: write };
  const level = nextLevel(hold, now);
  const until = now + Math.min(capMs, baseMs * 2 ** level);
  // Until then the next level would be another than without a state.
  const ttlMs = until - now + Math.max(1, level) * DAY_MS;
  return { kind: "started", hold: { state: { since: until, amount: level }, ttlMs }, until };
}

export function judgeHold(state: State | undefined, _: Dimension, now: number): Step {
  const leftMs = Math.max(0, (state?.since ?? 0) - now);
  const verdict = leftMs > 0 ? "exceeded" : "fits";
  return { judgement: { verdict, remaining: 0, resetMs: leftMs, retryMs: leftMs }, write: undefined };
}

/** How many holds are listed. */
export const MOST_HOLDS = 1_000;

/** One up within a day of the last hold's end, else one down for each whole day since. */
function nextLevel(hold: State | undefined, now: number): number {
  if (hold === undefined) return 0;
  const cleanDays = Math.floor((now - hold.since) / DAY_MS);
  return cleanDays === 0 ? hold.amount + 1 : Math.max(0, hold.amount - cleanDays);
}
