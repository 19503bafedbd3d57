import type { Clock } from "../../lib/clock.ts";
import { openOrigin } from "../../lib/fetch.ts";
import { startBeside } from "../beside.ts";
import { interruption } from "../interruption.ts";
import type { Progress } from "../progress.ts";
import { ownerOf, runRemotely } from "../remote.ts";
import { amount, type Table, table } from "../table.ts";
import { startThrowaway } from "../throwaway.ts";
import { callsFor, type Way } from "./bench.calls.ts";
import { addedBy, type Figures, figuresOf, type Slice } from "./bench.figures.ts";

export type BenchOptions = {
  /** How long is measured; starting and warming up come on top. */
  readonly seconds: number;
  /** Calls at a time. */
  readonly connections: number;
};

export type BenchDeps = {
  readonly program: string;
  readonly clock: Clock;
  readonly onProgress: (progress: Progress) => void;
};

type Compared = {
  readonly directly: Figures;
  readonly through: Figures;
  readonly added: ReturnType<typeof addedBy>;
};

export type BenchResult = BenchOptions & { readonly whole: Compared; readonly firstByte: Compared };

const ROUNDS = 5;
const WARM_UP_MS = 500;
const unlimited = {
  KEY_RATE_LIMIT_PER_MINUTE: "",
  IP_RATE_LIMIT_PER_MINUTE: "",
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  LOG_CALLS: "errors",
};

/**
 * What Tollgate adds on this machine: the simulated provider and a whole server, each in a process of its own, asked in
 * turns. Rejects if an answer is no success, and with Interrupted at Ctrl-C.
 */
export async function bench(
  { program, clock, onProgress }: BenchDeps,
  options: BenchOptions,
): Promise<BenchResult> {
  using interrupted = interruption();
  const hasDone = (done: number) => onProgress({ done, total: ROUNDS, what: "rounds" });
  hasDone(0);
  const start = { program, clock, signal: interrupted.signal };
  const ready = { on: "stderr", line: /answers at (\S+)/ } as const;
  await using provider = await startBeside({
    ...start,
    command: ["sim", "--port", "0"],
    variables: {},
    ready,
  });
  const config = { providers: { sim: { base_url: provider.announced } } };
  await using server = await startThrowaway({ ...start, settings: unlimited, config });
  const owner = ownerOf(server.dataFolder, server.url);
  const { key } = (await runRemotely(owner, "keys issue", { name: "bench" })) as { key: string };

  await using stack = new AsyncDisposableStack();
  const wayTo = (url: string, token: string): Way => {
    return { origin: stack.adopt(openOrigin(url, TIMEOUTS), (origin) => origin.close()), token };
  };
  const ways = { directly: wayTo(provider.announced, ""), through: wayTo(`${server.url}/v1`, key) };
  const measure = async (series: readonly Series[], ms: number): Promise<void> => {
    for (const { what, how, calls } of series) {
      const asked = { what, way: ways[how], connections: options.connections, ms };
      calls.push(await interrupted.orStop(callsFor(asked, clock)));
    }
  };
  await measure(newSeries(), WARM_UP_MS);
  const series = newSeries();
  const sliceMs = (options.seconds * 1000) / (series.length * ROUNDS);
  for (let round = 1; round <= ROUNDS; round++) {
    await measure(series, sliceMs);
    hasDone(round);
  }
  const compare = (kind: Series["what"]): Compared => {
    const [directly, through] = series
      .filter(({ what }) => what === kind)
      .map(({ calls }) => figuresOf(calls)) as [Figures, Figures];
    return { directly, through, added: addedBy(directly, through) };
  };
  return { ...options, whole: compare("whole"), firstByte: compare("firstByte") };
}

/** What is asked in one way, slice by slice. */
type Series = {
  readonly what: "whole" | "firstByte";
  readonly how: "directly" | "through";
  readonly calls: Slice[];
};

function newSeries(): readonly Series[] {
  const ways = ["directly", "through"] as const;
  return (["whole", "firstByte"] as const).flatMap((what) => ways.map((how) => ({ what, how, calls: [] })));
}

const TIMEOUTS = { connectTimeoutMs: 10_000, headersTimeoutMs: 30_000, bodyTimeoutMs: 30_000 };

export function showBench({ whole, firstByte }: BenchResult): Table {
  const ms = (value: number) => `${value.toFixed(2)} ms`;
  const rows = (name: string, { directly, through, added }: Compared) => [
    [`${name}, directly`, ms(directly.p50Ms), ms(directly.p99Ms), directly.perSecond.toFixed(0)],
    [`${name}, through Tollgate`, ms(through.p50Ms), ms(through.p99Ms), through.perSecond.toFixed(0)],
    ["  Tollgate adds", ms(added.p50Ms), ms(added.p99Ms), ""],
  ];
  return table(
    ["CALL", amount("P50"), amount("P99"), amount("PER SECOND")],
    [...rows("whole answer", whole), ...rows("first byte of a stream", firstByte)],
  );
}

/** What the figures are worth. */
export const BENCH_NOTE = `Through Tollgate every call is on disk before its answer ends. Provider, server and load
share this machine: on a busy one the absolute figures mean little. bench/README.md in the
repository says how to measure in earnest.`;
