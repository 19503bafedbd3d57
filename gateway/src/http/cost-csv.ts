import type { CostReport, Whose } from "../costs/reports.period.ts";
import type { Sums } from "../costs/reports.sums.ts";
import { type Cell, csv } from "../lib/csv.ts";
import { usdText } from "../lib/money.ts";

/** A report as one table: the total, the days, and the breakdowns that its JSON has. */
export function costsCsv(report: CostReport, whose: Whose["kind"]): string {
  const rows = [
    csvRow("total", "", report.total),
    ...report.trend.map(({ day, sums }) => csvRow("day", day, sums)),
    ...breakdowns[whose].flatMap((breakdown) => csvRowsOf[breakdown](report)),
  ];
  return csv(CSV_COLUMNS, rows);
}

type Breakdown = "model" | "operation" | "user" | "project" | "team" | "provider";

const breakdowns: Readonly<Record<Whose["kind"], readonly Breakdown[]>> = {
  project: ["model", "operation", "user"],
  team: ["model", "operation", "user", "project"],
  everybody: ["model", "operation", "project", "team", "provider"],
};

const CSV_COLUMNS = [
  "section",
  "id",
  "name",
  "calls",
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "cost_usd",
  "estimated_cost_usd",
  "unpriced_cost_usd",
];

const csvRowsOf: Readonly<Record<Breakdown, (report: CostReport) => readonly (readonly Cell[])[]>> = {
  model: ({ byModel }) => byModel.map((one) => csvRow("model", `${one.provider}/${one.model}`, one.sums)),
  operation: ({ byOperation }) => byOperation.map((one) => csvRow("operation", one.operation, one.sums)),
  user: ({ byUser }) => byUser.map((one) => csvRow("user", one.userId, one.sums)),
  project: ({ byProject }) => byProject.map((one) => csvRow("project", one.id, one.sums, one.name)),
  team: ({ byTeam }) => byTeam.map((one) => csvRow("team", one.id, one.sums, one.name)),
  provider: ({ byProvider }) => byProvider.map((one) => csvRow("provider", one.provider, one.sums)),
};

function csvRow(section: string, id: Cell, sums: Sums, name = ""): readonly Cell[] {
  const { calls, input, cached, output, costPico, estimatedPico, unpricedPico } = sums;
  const money = [costPico, estimatedPico, unpricedPico].map(usdText);
  return [section, id, name, calls, input, cached, output, ...money];
}
