import type { Dimension, Taken } from "./limit.ts";

/** Where a caller stands with one limit after a decision. */
export type Standing = {
  readonly id: string;
  readonly limit: number;
  readonly remaining: number;
  /** Until the limit is full again; for a limit that refused, until it admits this call. */
  readonly resetMs: number;
  readonly windowMs: number;
  /** The counters' clock at the decision, milliseconds since the epoch. */
  readonly now: number;
};

/** In the order of the dimensions, fences left out. After a refusal `remaining` counts this call as not made. */
export function standingsOf(dimensions: readonly Dimension[], taken: Taken): readonly Standing[] {
  return dimensions.flatMap(({ id, shape, limit, windowMs, cost }, i) => {
    if (shape === "epoch") return [];
    const { verdict, remaining, resetMs, retryMs } = taken.judgements[i]!;
    const givenBack = verdict === "fits" && !taken.allowed ? cost : 0;
    const untilMs = verdict === "exceeded" ? retryMs : resetMs;
    return [{ id, limit, remaining: remaining + givenBack, resetMs: untilMs, windowMs, now: taken.now }];
  });
}

/** The limit with the smallest share left; of equal ones that with the shortest window. */
export function tightestOf(standings: readonly Standing[]): Standing | undefined {
  let tightest: Standing | undefined;
  for (const standing of standings) {
    if (tightest === undefined || isTighter(standing, tightest)) tightest = standing;
  }
  return tightest;
}

function isTighter(a: Standing, b: Standing): boolean {
  const difference = shareLeft(a) - shareLeft(b);
  return difference < 0 || (difference === 0 && a.windowMs < b.windowMs);
}

function shareLeft({ limit, remaining }: Standing): number {
  return limit === 0 ? 0 : remaining / limit;
}
