import { z } from "zod";
import { findProject } from "../../access/projects.ts";
import { findTeam } from "../../access/teams.ts";
import { type CostReport, costReport, lastDays, type Whose } from "../../costs/reports.period.ts";
import { costsCsv } from "../../http/cost-csv.ts";
import {
  type PlatformCosts,
  type ProjectCosts,
  platformCostsJson,
  projectCostsJson,
  type TeamCosts,
  teamCostsJson,
} from "../../http/cost-json.ts";
import { MOST_DAYS } from "../../http/routes/costs.ts";
import { type CommandDeps, dataCommand, UsageError } from "../command.ts";
import { amount, type Text, table } from "../table.ts";
import { costsOfCommands } from "./costs.of.ts";
import { counted, rowNumber } from "./fields.ts";

const input = z
  .strictObject({
    days: z.coerce.number().int().min(1).max(MOST_DAYS).default(30),
    project: rowNumber.optional(),
    team: rowNumber.optional(),
    csv: z.boolean().default(false),
  })
  .refine(({ project, team }) => project === undefined || team === undefined, "name a project or a team");

type Costs = ProjectCosts | TeamCosts | PlatformCosts;
type Result = Costs | { readonly csv: string };

const report = dataCommand({
  name: "costs report",
  about: "Show what calls have cost: all of them, or those of a project or team.",
  options: [
    ["--days <n>", "how many UTC days, today included (default: 30)"],
    ["--project <id>", "only this project's"],
    ["--team <id>", "only those of this team's projects"],
    ["--csv", "print CSV"],
  ],
  input,
  async run(deps, { days, csv, ...wanted }): Promise<Result> {
    const whose = await whoseOf(deps, wanted);
    const found = await costReport(deps.db, whose, lastDays(deps.clock.now(), days));
    return csv ? { csv: costsCsv(found, whose.kind) } : costsOf(whose, found);
  },
  show: (result: Result) => ({ text: "csv" in result ? result.csv.trimEnd() : shownTable(result) }),
});

async function whoseOf(
  { db, by: { caller } }: CommandDeps,
  { project, team }: { readonly project?: number | undefined; readonly team?: number | undefined },
): Promise<Whose> {
  if (project !== undefined && (await findProject(db, caller, project)) === undefined) {
    throw new UsageError(`there is no project ${project}`);
  }
  if (team !== undefined && (await findTeam(db, caller, team)) === undefined) {
    throw new UsageError(`there is no team ${team}`);
  }
  if (project !== undefined) return { kind: "project", id: project };
  return team === undefined ? { kind: "everybody" } : { kind: "team", id: team };
}

function costsOf(whose: Whose, found: CostReport): Costs {
  if (whose.kind === "project") return projectCostsJson(whose.id, found);
  return whose.kind === "team" ? teamCostsJson(whose.id, found) : platformCostsJson(found);
}

function shownTable({ trend, by_model, total_calls, total_cost_usd, period_days }: Costs): Text {
  const models = by_model.map((row) => [`${row.provider}/${row.model}`, String(row.calls), row.cost_usd]);
  const busy = trend.filter(({ calls }) => calls > 0);
  const sums = [amount("CALLS"), amount("COST USD")];
  return [
    `${counted(total_calls, "call")} of the last ${period_days === 1 ? "day" : `${period_days} days`} cost ${total_cost_usd} USD.`,
    table(["MODEL", ...sums], models),
    table(
      ["DAY", ...sums],
      busy.map(({ day, calls, cost_usd }) => [day, String(calls), cost_usd]),
    ),
  ];
}

export const costCommands = [report, ...costsOfCommands];
