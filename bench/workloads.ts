import type { Cores } from "./cores.ts";
import type { Mock, Pace } from "./mock/mock.ts";
import type { BodyKind } from "./request.ts";
import { quantile } from "./statistics.ts";
import { runStreams } from "./stream.ts";
import type { Target, TargetName } from "./targets.ts";
import { runWrk } from "./wrk.ts";

/** One way of loading a target. */
export type Workload = {
  readonly title: string;
  /** What CPU is divided by. */
  readonly operation: "request" | "chunk";
  readonly body: BodyKind;
  /** Clients that ask at the same time. */
  readonly clients: number;
  /** Of streams only. */
  readonly pace?: Pace;
  /** Targets that cannot take it, and why. */
  readonly leftOut?: Partial<Record<TargetName, string>>;
};

export type WorkloadName = "json-1k" | "json-32k" | "one-connection" | "streams";

export const workloads: Record<WorkloadName, Workload> = {
  "json-1k": {
    title: "Whole answers, 1 KB prompts, 64 connections",
    operation: "request",
    body: { bytes: 1024, stream: false },
    clients: 64,
  },
  "json-32k": {
    title: "Whole answers, 32 KB prompts, 64 connections",
    operation: "request",
    body: { bytes: 32 * 1024, stream: false },
    clients: 64,
  },
  "one-connection": {
    title: "Whole answers, 1 KB prompts, one connection",
    operation: "request",
    body: { bytes: 1024, stream: false },
    clients: 1,
  },
  streams: {
    title: "200 streams of 100 chunks, one every 20 ms",
    operation: "chunk",
    body: { bytes: 1024, stream: true },
    clients: 200,
    pace: { chunks: 100, pauseMs: 20 },
    leftOut: { portkey: "its npm build answers streams with 500 (Portkey-AI/gateway#1389)" },
  },
};

export const workloadNames = Object.keys(workloads) as WorkloadName[];

export type LoadSetting = {
  /** About how long; streams run to their end. */
  readonly seconds: number;
  readonly mock: Mock;
  readonly dataFolder: string;
  readonly cores: Cores | undefined;
};

export type Load = {
  readonly operations: number;
  readonly seconds: number;
  /** Until the whole answer, or until the first event of a stream. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: readonly string[];
};

export function loadTarget(workload: Workload, target: Target, setting: LoadSetting): Promise<Load> {
  return workload.pace === undefined
    ? loadWhole(workload, target, setting)
    : loadStreams(workload, target, setting);
}

async function loadWhole(
  { body, clients }: Workload,
  target: Target,
  { seconds, dataFolder, cores }: LoadSetting,
): Promise<Load> {
  const request = target.request(body);
  const { requests, errors, ...times } = await runWrk({
    request,
    connections: clients,
    seconds,
    folder: dataFolder,
    core: cores?.load,
  });
  return { operations: requests, ...times, errors: errors === 0 ? [] : [`${errors} answers failed`] };
}

/** Waves of streams until the time is over. */
async function loadStreams(
  { body, clients }: Workload,
  target: Target,
  { seconds, mock }: LoadSetting,
): Promise<Load> {
  const request = target.request(body);
  const firstEventMs: number[] = [];
  const errors: string[] = [];
  const before = await mock.stats();
  const startedAt = performance.now();
  while (performance.now() - startedAt < seconds * 900) {
    const wave = await runStreams({ request, count: clients });
    firstEventMs.push(...wave.firstEventMs);
    errors.push(...wave.errors);
    if (wave.completed < clients) errors.push(`${clients - wave.completed} streams did not end`);
  }
  const sorted = firstEventMs.toSorted((a, b) => a - b);
  return {
    operations: (await mock.stats()).chunks - before.chunks,
    seconds: (performance.now() - startedAt) / 1000,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    errors,
  };
}
