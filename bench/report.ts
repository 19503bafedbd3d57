import type { AbortsResult } from "./aborts.ts";
import { barsOf, barsTable } from "./bars.ts";
import { type Figure, type Result, ratioOf, samplesOf } from "./result.ts";
import { spreadOf } from "./statistics.ts";
import { markdownTable, spreadText } from "./table.ts";
import { type TargetName, targetNames, targetTitles } from "./targets.ts";
import { type WorkloadName, workloadNames, workloads } from "./workloads.ts";

/** The whole report as Markdown, what went wrong first. */
export function reportOf(result: Result): string {
  const measured = workloadNames.filter((name) => result.samples.some(({ workload }) => workload === name));
  return [
    problemsSection(result),
    settingLine(result),
    ...measured.flatMap((name) => workloadSection(result, name)),
    ...abortsSection(result),
    ...ledgerSection(result),
    "## Where Tollgate stands",
    barsTable(barsOf(result)),
  ].join("\n\n");
}

function problemsSection({ problems }: Result): string {
  if (problems.length === 0) return "No errors during this run.";
  const items = problems.map((problem) => `- ${problem.replaceAll("\n", "\n  ")}`);
  return ["## Errors during this run", "", ...items].join("\n");
}

function settingLine({
  machine,
  rounds,
  seconds,
  pinned,
  noisePercent,
  discarded,
  startedAt,
}: Result): string {
  const pinning = pinned ? "gateway on a core of its own" : "nothing pinned, so figures are noisier";
  return [
    `${machine}; ${startedAt}.`,
    `${rounds} interleaved rounds of ${seconds} s, median (min–max); ${pinning}.`,
    `${discarded} measurements discarded because others used more than ${noisePercent} % of a core.`,
  ].join("\n");
}

const columns: readonly { readonly title: string; readonly figure: Figure }[] = [
  { title: "p50 ms", figure: "p50Ms" },
  { title: "p99 ms", figure: "p99Ms" },
  { title: "CPU µs", figure: "cpuUs" },
  { title: "database µs", figure: "databaseCpuUs" },
  { title: "Redis µs", figure: "redisCpuUs" },
  { title: "RSS MB", figure: "residentMb" },
];

function workloadSection(result: Result, workload: WorkloadName): string[] {
  const { title, operation, leftOut = {} } = workloads[workload];
  const targets = targetNames.filter((name) => samplesOf(result, workload, name).length > 0);
  const absolute = markdownTable(
    ["", `${operation}s/s`, ...columns.map((column) => column.title), "rounds"],
    targets.map((target) => {
      const samples = samplesOf(result, workload, target);
      const cell = (figure: Figure) => spreadText(spreadOf(samples.map((sample) => sample[figure])));
      return [
        targetTitles[target],
        cell("perSecond"),
        ...columns.map(({ figure }) => cell(figure)),
        String(samples.length),
      ];
    }),
  );
  const absent = Object.entries(leftOut).map(([target, why]) => `Without ${target}: ${why}.`);
  return [
    `## ${title}`,
    `CPU is per ${operation}.`,
    absolute,
    ...ratiosTable(result, workload, targets),
    ...absent,
  ];
}

function ratiosTable(result: Result, workload: WorkloadName, targets: readonly TargetName[]): string[] {
  if (!targets.includes("bare")) return [];
  const toPortkey = targets.includes("portkey");
  const ratio = (target: TargetName, reference: TargetName, figure: Figure) =>
    spreadText(ratioOf(result, { workload, target, reference, figure }));
  const header = [
    "÷ bare, round by round",
    `${workloads[workload].operation}s/s`,
    "p50",
    "CPU",
    ...(toPortkey ? ["CPU ÷ Portkey"] : []),
  ];
  const rows = targets
    .filter((target) => target !== "direct" && target !== "bare")
    .map((target) => [
      targetTitles[target],
      ratio(target, "bare", "perSecond"),
      ratio(target, "bare", "p50Ms"),
      ratio(target, "bare", "cpuUs"),
      ...(toPortkey ? [ratio(target, "portkey", "cpuUs")] : []),
    ]);
  return rows.length === 0 ? [] : [markdownTable(header, rows)];
}

function abortsSection({ aborts }: Result): string[] {
  const rows = Object.entries(aborts) as [TargetName, AbortsResult][];
  if (rows.length === 0) return [];
  return [
    "## Streams whose clients left",
    markdownTable(
      ["", "aborted at the upstream", "upstream connections left"],
      rows.map(([target, { aborted, left }]) => [targetTitles[target], String(aborted), String(left)]),
    ),
  ];
}

function ledgerSection({ ledger }: Result): string[] {
  if (ledger === undefined) return [];
  const { served, booked } = ledger;
  return [
    "## What the ledger says",
    markdownTable(
      ["", "calls", "tokens"],
      [
        ["billed by the mock", String(served.calls), String(served.tokens)],
        ["on Tollgate's ledger", String(booked.calls), String(booked.tokens)],
      ],
    ),
  ];
}
