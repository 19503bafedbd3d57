import { judgeBucket } from "./bucket.ts";
import { judgeHold } from "./holds.ts";
import { judgeLease, type Lease } from "./leases.ts";
import type { Dimension, Judgement, Shape } from "./limit.ts";
import { judgeAligned, judgeQuota, judgeSliding, judgeWindow } from "./windows.ts";

/**
 * The arithmetic of each shape. `shapes.lua.ts` says the same in Lua and must agree bit for bit: IEEE doubles, each
 * expression from left to right as it stands here.
 * A shape reads what is stored and judges; what it wants written is stored only if the whole decision is allowed.
 */
export function judge(state: State | undefined, dimension: Dimension, now: number): Step {
  return rules[dimension.shape](state, dimension, now);
}

/**
 * What is stored under a key: an amount, and the time (ms) since which it is true.
 * Windows and daily quota: used since the start. Bucket: tokens at the last change; a debt is negative. Lease: how many
 * are kept, since 0. Hold: its level, and its end. Epoch: the epoch, since 0.
 */
export type State = {
  readonly since: number;
  readonly amount: number;
  /** Sliding only: used in the window before. */
  readonly previous?: number;
  /** Leases only: some may have ended. */
  readonly leases?: readonly Lease[];
};

/** A state and how long it can matter. */
export type Write = { readonly state: State; readonly ttlMs: number };

export type Step = {
  readonly judgement: Judgement;
  /** undefined: refused, or nothing to write. */
  readonly write: Write | undefined;
};

type Rule = (state: State | undefined, dimension: Dimension, now: number) => Step;

const rules: Record<Shape, Rule> = {
  window: judgeWindow,
  aligned: judgeAligned,
  sliding: judgeSliding,
  dailyQuota: judgeQuota,
  bucket: judgeBucket,
  lease: judgeLease,
  hold: judgeHold,

  epoch(state, dimension) {
    const stored = state?.amount ?? -1;
    const verdict = stored > dimension.limit ? "stale" : "fits";
    return { judgement: { verdict, remaining: stored, resetMs: 0, retryMs: 0 }, write: undefined };
  },
};
