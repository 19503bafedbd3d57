import type { AbortsResult } from "./aborts.ts";
import type { LedgerResult } from "./ledger.ts";
import type { Sample } from "./rounds.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { TargetName } from "./targets.ts";
import type { WorkloadName } from "./workloads.ts";

/** Everything a run found; this is what result.json holds. */
export type Result = {
  readonly machine: string;
  readonly startedAt: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Whether the gateway had a core of its own. */
  readonly pinned: boolean;
  readonly problems: readonly string[];
  readonly noisePercent: number;
  /** Measurements thrown away because others used more than `noisePercent` of a core. */
  readonly discarded: number;
  readonly samples: readonly Sample[];
  readonly aborts: Partial<Record<TargetName, AbortsResult>>;
  readonly ledger: LedgerResult | undefined;
};

export type Figure = Exclude<keyof Sample, "workload" | "target" | "round">;

export function samplesOf(
  { samples }: Pick<Result, "samples">,
  workload: WorkloadName,
  target: TargetName,
): Sample[] {
  return samples.filter((sample) => sample.workload === workload && sample.target === target);
}

export type Comparison = {
  readonly workload: WorkloadName;
  readonly target: TargetName;
  readonly reference: TargetName;
  readonly figure: Figure;
};

/** Target ÷ reference, round by round: what disturbs a round disturbs both. */
export function ratioOf(result: Pick<Result, "samples">, comparison: Comparison): Spread | undefined {
  return spreadOf(pairsOf(result, comparison).map(([target, reference]) => target / reference));
}

/** Target − reference, round by round. */
export function differenceOf(result: Pick<Result, "samples">, comparison: Comparison): Spread | undefined {
  return spreadOf(pairsOf(result, comparison).map(([target, reference]) => target - reference));
}

/** A round that one of the two has not got is left out. */
function pairsOf(
  result: Pick<Result, "samples">,
  { workload, target, reference, figure }: Comparison,
): [number, number][] {
  const references = new Map(samplesOf(result, workload, reference).map((sample) => [sample.round, sample]));
  return samplesOf(result, workload, target).flatMap((sample): [number, number][] => {
    const left = sample[figure];
    const right = references.get(sample.round)?.[figure];
    return left === undefined || right === undefined ? [] : [[left, right]];
  });
}
