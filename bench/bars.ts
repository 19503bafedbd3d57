import { differenceOf, type Figure, type Result, ratioOf } from "./result.ts";
import { figureText, markdownTable } from "./table.ts";
import type { WorkloadName } from "./workloads.ts";

/** A promise about performance: how far it must go and how far it wants to go. */
export type Bar = {
  readonly name: string;
  readonly measured: number | undefined;
  readonly firstBar: number;
  readonly goal: number;
  readonly better: "less" | "more";
  readonly unit: string;
};

export type BarState = "goal met" | "first bar met" | "missed" | "not measured";

export function stateOf({ measured, firstBar, goal, better }: Bar): BarState {
  if (measured === undefined || !Number.isFinite(measured)) return "not measured";
  const reaches = (mark: number) => (better === "less" ? measured <= mark : measured >= mark);
  if (reaches(goal)) return "goal met";
  return reaches(firstBar) ? "first bar met" : "missed";
}

/** Where Tollgate with everything on, on PostgreSQL and Redis, stands. Medians, except memory: its peak. */
export function barsOf(result: Result): Bar[] {
  const bar = (
    name: string,
    measured: number | undefined,
    marks: { firstBar: number; goal: number; unit?: string; better?: Bar["better"] },
  ): Bar => ({ name, measured, unit: "", better: "less", ...marks });
  const toBare = (workload: WorkloadName, figure: Figure = "cpuUs") =>
    ratioOf(result, { workload, target: "tollgate", reference: "bare", figure })?.median;
  const portkeyToTollgate = {
    workload: "json-1k",
    target: "portkey",
    reference: "tollgate",
    figure: "cpuUs",
  } as const;
  const added = {
    workload: "one-connection",
    target: "tollgate",
    reference: "direct",
    figure: "p50Ms",
  } as const;
  const memory = result.samples
    .filter(({ target }) => target === "tollgate")
    .map((sample) => sample.residentMb);
  return [
    bar("CPU per call ÷ bare", toBare("json-1k"), { firstBar: 3, goal: 1.5 }),
    bar("Portkey's CPU per call ÷ Tollgate's", ratioOf(result, portkeyToTollgate)?.median, {
      firstBar: 5,
      goal: 12,
      better: "more",
    }),
    bar("CPU per call, 32 KB prompts ÷ bare", toBare("json-32k"), { firstBar: 4, goal: 1.3 }),
    bar("CPU per streamed chunk ÷ bare", toBare("streams"), { firstBar: 1.5, goal: 1.1 }),
    bar("added p50, one connection", differenceOf(result, added)?.median, {
      firstBar: 5,
      goal: 0.3,
      unit: " ms",
    }),
    bar("memory, peak", memory.length === 0 ? undefined : Math.max(...memory), {
      firstBar: 250,
      goal: 150,
      unit: " MB",
    }),
    bar("upstream connections left after aborted streams", result.aborts.tollgate?.left, {
      firstBar: 0,
      goal: 0,
    }),
  ];
}

export function barsTable(bars: readonly Bar[]): string {
  return markdownTable(
    ["gate", "measured", "first bar", "goal", "stands"],
    bars.map((bar) => {
      const sign = bar.better === "less" ? "≤" : "≥";
      const measured = bar.measured === undefined ? "–" : `${figureText(bar.measured)}${bar.unit}`;
      return [
        bar.name,
        measured,
        `${sign} ${bar.firstBar}${bar.unit}`,
        `${sign} ${bar.goal}${bar.unit}`,
        stateOf(bar),
      ];
    }),
  );
}
