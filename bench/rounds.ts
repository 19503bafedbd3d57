import { setTimeout as sleep } from "node:timers/promises";
import { checkAnswer } from "./check.ts";
import { cpuMsBetween, foreignCpuMsBetween, residentMb, takeSnapshot } from "./measure.ts";
import type { Target, TargetName } from "./targets.ts";
import { type LoadSetting, loadTarget, type Workload, type WorkloadName, workloads } from "./workloads.ts";

/** One target under one workload in one round. CPU is in microseconds per operation. */
export type Sample = {
  readonly workload: WorkloadName;
  readonly target: TargetName;
  readonly round: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
  readonly databaseCpuUs: number | undefined;
  readonly redisCpuUs: number | undefined;
  readonly residentMb: number;
};

export type RoundsResult = {
  readonly samples: readonly Sample[];
  /** Measurements thrown away because others used too much of this machine. */
  readonly discarded: number;
  readonly problems: readonly string[];
};

export type RoundsSetting = LoadSetting & {
  readonly rounds: number;
  /** Of one core: measurements in which others used more are discarded. */
  readonly noisePercent: number;
  report(progress: string): void;
};

const ATTEMPTS = 3;
/** For the last writes of a call that has been answered. */
const SETTLE_MS = 50;

/** Checks and warms up every target, then measures them in turn, round after round. */
export async function measureRounds(
  name: WorkloadName,
  targets: readonly Target[],
  setting: RoundsSetting,
): Promise<RoundsResult> {
  const workload = workloads[name];
  if (workload.pace !== undefined) await setting.mock.setPace(workload.pace);
  const problems: string[] = [];
  const right: Target[] = [];
  for (const target of targets.filter((target) => workload.leftOut?.[target.name] === undefined)) {
    try {
      await checkAnswer(target.request(workload.body), workload.pace?.chunks);
      await loadTarget(workload, target, setting);
      right.push(target);
    } catch (error) {
      problems.push(`${name}, ${target.name}: ${messageOf(error)}`);
    }
  }
  const samples: Sample[] = [];
  let discarded = 0;
  for (let round = 1; round <= setting.rounds; round++) {
    for (const target of right) {
      setting.report(`${name}, round ${round} of ${setting.rounds}, ${target.name}`);
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const measured = await measure(workload, target, setting);
        problems.push(...measured.errors.map((error) => `${name}, ${target.name}: ${error}`));
        if (measured.figures === undefined) break;
        if (measured.foreignPercent <= setting.noisePercent) {
          samples.push({ workload: name, target: target.name, round, ...measured.figures });
          break;
        }
        setting.report(`  discarded: others used ${Math.round(measured.foreignPercent)} % of a core`);
        discarded++;
      }
    }
  }
  for (const target of right) {
    if (samples.some((sample) => sample.target === target.name)) continue;
    problems.push(`${name}, ${target.name}: no figures, because others used this machine in every round`);
  }
  return { samples, discarded, problems };
}

type Measurement = {
  readonly figures: Omit<Sample, "workload" | "target" | "round"> | undefined;
  readonly errors: readonly string[];
  /** What others used, of one core. */
  readonly foreignPercent: number;
};

/** No figures if the target ended meanwhile. */
async function measure(workload: Workload, target: Target, setting: RoundsSetting): Promise<Measurement> {
  const before = takeSnapshot();
  const startedAt = performance.now();
  const load = await loadTarget(workload, target, setting);
  await sleep(SETTLE_MS);
  const after = takeSnapshot();
  const elapsedMs = performance.now() - startedAt;
  if (!after.processes.has(target.pid)) {
    return { figures: undefined, errors: [...load.errors, "the target ended"], foreignPercent: 0 };
  }
  const perOperationUs = (pid: number) => (cpuMsBetween(before, after, pid) * 1000) / load.operations;
  const figures = {
    perSecond: load.operations / load.seconds,
    p50Ms: load.p50Ms,
    p99Ms: load.p99Ms,
    cpuUs: perOperationUs(target.pid),
    databaseCpuUs: target.databasePid === undefined ? undefined : perOperationUs(target.databasePid),
    redisCpuUs: target.redisPid === undefined ? undefined : perOperationUs(target.redisPid),
    residentMb: residentMb(target.pid),
  };
  const foreignMs = foreignCpuMsBetween(before, after, process.pid);
  return { figures, errors: countedUp(load.errors), foreignPercent: (foreignMs / elapsedMs) * 100 };
}

/** Equal texts once, with their number. */
function countedUp(texts: readonly string[]): string[] {
  const groups = Map.groupBy(texts, (text) => text);
  return [...groups].map(([text, { length }]) => (length === 1 ? text : `${text} (${length} times)`));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
