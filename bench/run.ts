import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type AbortsResult, abortStreams } from "./aborts.ts";
import { chooseCores, pinThisProcess } from "./cores.ts";
import { compareLedger, type LedgerResult } from "./ledger.ts";
import { type Mock, startMock } from "./mock/mock.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { reportOf } from "./report.ts";
import { missingTools } from "./requirements.ts";
import type { Result } from "./result.ts";
import { measureRounds, type Sample } from "./rounds.ts";
import { type Stage, startTarget, type Target, type TargetName } from "./targets.ts";
import { workloads } from "./workloads.ts";

const buildFolder = join(import.meta.dirname, ".build");

function report(progress: string): void {
  process.stderr.write(`${progress}\n`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function run(options: Options, stack: AsyncDisposableStack): Promise<Result> {
  const startedAt = new Date().toISOString();
  const cores = chooseCores();
  if (cores !== undefined) pinThisProcess(cores.load);
  const dataFolder = await mkdtemp(join(tmpdir(), "bench-"));
  stack.defer(() => rm(dataFolder, { recursive: true, force: true }));
  const mock = await startMock(buildFolder, cores?.load);
  stack.defer(mock.stop);

  const problems: string[] = [];
  const targets = await startTargets(options, { mock, cores, buildFolder, dataFolder }, stack, problems);
  const { rounds, seconds, noisePercent } = options;
  const samples: Sample[] = [];
  let discarded = 0;
  for (const workload of options.only.filter((name) => name !== "aborts")) {
    const setting = { mock, cores, dataFolder, report, rounds, seconds, noisePercent };
    const measured = await measureRounds(workload, targets, setting);
    samples.push(...measured.samples);
    problems.push(...measured.problems);
    discarded += measured.discarded;
  }
  const ledger = await checkLedger(targets, mock, problems);
  const aborts = options.only.includes("aborts") ? await abortAll(options, targets, mock, problems) : {};
  return {
    machine: `${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, Node ${process.versions.node}`,
    startedAt,
    rounds,
    seconds,
    noisePercent,
    pinned: cores !== undefined,
    problems,
    discarded,
    samples,
    aborts,
    ledger,
  };
}

async function startTargets(
  options: Options,
  stage: Stage,
  stack: AsyncDisposableStack,
  problems: string[],
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const name of options.targets) {
    report(`starting ${name}`);
    try {
      const target = await startTarget(name, stage);
      stack.defer(target.stop);
      targets.push(target);
    } catch (error) {
      problems.push(`${name} did not start and is left out: ${textOf(error)}`);
    }
  }
  return targets;
}

/** A gateway that answers quickly and books nothing is no gateway. */
async function checkLedger(
  targets: readonly Target[],
  mock: Mock,
  problems: string[],
): Promise<LedgerResult | undefined> {
  const target = targets.find(({ databaseUrl }) => databaseUrl !== undefined);
  if (target?.databaseUrl === undefined) return undefined;
  report(`ledger, ${target.name}`);
  try {
    const result = await compareLedger(target, target.databaseUrl, mock);
    const { served, booked } = result;
    if (served.calls !== booked.calls || served.tokens !== booked.tokens) {
      problems.push("the ledger does not say what the mock billed");
    }
    return result;
  } catch (error) {
    problems.push(`ledger, ${target.name}: ${textOf(error)}`);
    return undefined;
  }
}

async function abortAll(
  { abortedStreams }: Options,
  targets: readonly Target[],
  mock: Mock,
  problems: string[],
): Promise<Partial<Record<TargetName, AbortsResult>>> {
  const aborts: Partial<Record<TargetName, AbortsResult>> = {};
  for (const target of targets.filter(({ name }) => workloads.streams.leftOut?.[name] === undefined)) {
    report(`aborts, ${target.name}`);
    const result = await abortStreams(target, mock, abortedStreams);
    aborts[target.name] = result;
    problems.push(...new Set(result.errors.map((error) => `aborts, ${target.name}: ${error}`)));
  }
  return aborts;
}

/** Rejects when this process is asked to end. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => reject(new Error(`stopped by ${signal}`)));
    }
  });
}

/** Answers the exit code: 0 without errors, 1 with errors, 2 for options nobody knows. */
async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${textOf(error)}\n\n${usage}`);
    return 2;
  }
  const missing = missingTools(options.targets);
  if (missing.length > 0) {
    console.error(missing.join("\n"));
    return 1;
  }
  await using stack = new AsyncDisposableStack();
  try {
    const result = await Promise.race([run(options, stack), interruption()]);
    await mkdir(buildFolder, { recursive: true });
    await writeFile(join(buildFolder, "result.json"), JSON.stringify(result, undefined, 2));
    console.log(reportOf(result));
    return result.problems.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(textOf(error));
    return 1;
  }
}

process.exit(await main());
