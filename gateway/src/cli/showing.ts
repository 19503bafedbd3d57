import { UsageError } from "./command.ts";
import type { BenchOptions, BenchResult } from "./commands/bench.ts";
import type { DemoOptions } from "./commands/demo.ts";
import type { Declaration } from "./declaration.ts";
import type { OwnCommand } from "./own-commands.ts";
import type { Progress } from "./progress.ts";

/** Commands that show what Tollgate does on servers of their own, and leave nothing behind. */
export type Showing = {
  /** Tells its story to `out`. False: a step of it did not hold. */
  readonly demo: (options: DemoOptions, out: (text: string) => void) => Promise<boolean>;
  readonly bench: (options: BenchOptions, onProgress: (progress: Progress) => void) => Promise<BenchResult>;
};

export const TRY = "To try:";

const benchOptions: Declaration["options"] = [
  ["--seconds <n>", "how long to measure (default: 5)"],
  ["--connections <n>", "calls at a time (default: 16)"],
];

export const showingCommands: readonly OwnCommand[] = [
  {
    name: "demo",
    about: "Show what Tollgate does, on a server of its own that leaves nothing behind.",
    heading: TRY,
    arguments: [],
    options: [["--keep", "let the server run on after the tour, until Ctrl-C"]],
    run: async (actions, { keep }, { json, out }) => ({
      isFailure: !(await actions.demo({ keep: keep === true, json }, out)),
    }),
  },
  {
    name: "bench",
    about: "Measure what Tollgate adds to a call on this machine, with the simulated provider.",
    heading: TRY,
    example: "bench --seconds 5 --connections 16",
    arguments: [],
    options: benchOptions,
    async run(actions, { seconds, connections }, { showProgress }) {
      const options = {
        seconds: countOf("--seconds", seconds ?? "5"),
        connections: countOf("--connections", connections ?? "16"),
      };
      const result = await actions.bench(options, showProgress);
      const { BENCH_NOTE, showBench } = await import("./commands/bench.ts");
      return { result, text: showBench(result), note: BENCH_NOTE };
    },
  },
];

function countOf(flag: string, text: string | true): number {
  if (!/^[1-9]\d{0,2}$/.test(String(text))) throw new UsageError(`${flag} must be 1 to 999`);
  return Number(text);
}
