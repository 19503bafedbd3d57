import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

/** Where processes run, as `taskset` names it: the gateway alone on the last core, all else on the others. */
export type Cores = { readonly gateway: string; readonly load: string };

/** Undefined on one core and without `taskset`: then nothing is pinned and figures are noisier. */
export function chooseCores(): Cores | undefined {
  const last = cpus().length - 1;
  if (last < 1 || spawnSync("taskset", ["--version"]).status !== 0) return undefined;
  return { gateway: String(last), load: last === 1 ? "0" : `0-${last - 1}` };
}

/** A command line that runs `command` on `core`. `taskset` becomes the command: the process id stays the same. */
export function pinned(
  command: string,
  args: readonly string[],
  core: string | undefined,
): [string, string[]] {
  return core === undefined ? [command, [...args]] : ["taskset", ["-c", core, command, ...args]];
}

/** Moves this process and every thread of it; children inherit it. */
export function pinThisProcess(core: string): void {
  spawnSync("taskset", ["-a", "-p", "-c", core, String(process.pid)]);
}
