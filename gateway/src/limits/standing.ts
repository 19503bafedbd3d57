import type { Dimension, Taken } from "./limit.ts";
import { type Policy, policies } from "./policies.ts";

/** Where a caller stands with one limit after a decision. */
export type Standing = {
  readonly id: string;
  /** What it counts; `calls` are those under way at a time. */
  readonly unit: "requests" | "tokens" | "calls";
  readonly limit: number;
  readonly remaining: number;
  /** Until the limit is full again; for a limit that refused, until it admits this call. */
  readonly resetMs: number;
  readonly windowMs: number;
  /** The counters' clock at the decision, milliseconds since the epoch. */
  readonly now: number;
};

/** In the order of the dimensions; fences, cooldowns and what only reports are left out. After a refusal `remaining` counts this call as not made. */
export function standingsOf(
  dimensions: readonly (Dimension & { readonly isHidden?: true })[],
  taken: Taken,
): readonly Standing[] {
  const standings: Standing[] = [];
  dimensions.forEach((dimension, i) => {
    const { id, shape, cost, reportOnly, isHidden } = dimension;
    if (shape === "epoch" || shape === "hold" || reportOnly === true || isHidden === true) return;
    const { limit, windowMs } = toldSize(dimension);
    const { verdict, remaining, resetMs, retryMs } = taken.judgements[i]!;
    const givenBack = verdict === "fits" && !taken.allowed ? cost : 0;
    const untilMs = verdict === "exceeded" ? retryMs : resetMs;
    const left = remaining + givenBack;
    const unit = unitOf(id, shape);
    standings.push({ id, unit, limit, remaining: left, resetMs: untilMs, windowMs, now: taken.now });
  });
  return standings;
}

/** A bucket whose burst is above its rate holds more than a window's worth: it is told as what fills it all. */
function toldSize({ shape, limit, windowMs, capacity }: Dimension): Pick<Standing, "limit" | "windowMs"> {
  if (shape !== "bucket" || capacity <= limit || limit === 0) return { limit, windowMs };
  return { limit: capacity, windowMs: (windowMs * capacity) / limit };
}

function unitOf(id: string, shape: Dimension["shape"]): Standing["unit"] {
  if (shape === "lease") return "calls";
  return (policies as Readonly<Record<string, Policy>>)[id]?.isInTokens === true ? "tokens" : "requests";
}

/** The limit with the smallest share left; of equal ones that with the shortest window. `unit`: among these only. */
export function tightestOf(standings: readonly Standing[], unit?: Standing["unit"]): Standing | undefined {
  let tightest: Standing | undefined;
  for (const standing of standings) {
    if (unit !== undefined && standing.unit !== unit) continue;
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
