import { z } from "zod";
import { type DailyCosts, dailyCosts } from "../../costs/reports.ts";
import { utcDate } from "../../http/fields.ts";
import { type JobCostsJson, jobCostsCsv, jobCostsJson } from "../../http/job-json.ts";
import { suggestionsFor } from "../../http/routes/suggestions.ts";
import { attemptsOf, getJob } from "../../jobs/read.ts";
import { utcDay } from "../../lib/clock.ts";
import { dataCommand } from "../command.ts";
import { amount, prose, table } from "../table.ts";
import { rowNumber } from "./fields.ts";
import { attemptTable } from "./jobs.show.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

const ofUser = ["--user <user>", "whose, by id or e-mail address (default: APP_AUTH_DEFAULT_USER)"] as const;

type UserCosts = DailyCosts & { readonly user_id: string };

const daily = dataCommand({
  name: "costs daily",
  about: "Show what a user's calls of one UTC day have cost, by operation and model.",
  options: [ofUser, ["--day <day>", "YYYY-MM-DD (default: today)"]],
  input: z.strictObject({ user: z.string().optional(), day: utcDate.optional() }),
  async run(deps, { user, day = utcDay(deps.clock.now()) }) {
    const { id } = await userNamed(deps, user);
    return { user_id: id, ...(await dailyCosts(deps.db, id, day)) };
  },
  show: ({ user_id, day, totals, breakdown }: UserCosts) => ({
    text: [
      `${totals.calls} calls of ${user_id} cost ${totals.estimated_cost_usd} USD on ${day} (UTC).`,
      table(
        ["OPERATION", "MODEL", amount("CALLS"), amount("INPUT"), amount("OUTPUT"), amount("COST USD")],
        breakdown.map((row) => [
          row.operation,
          `${row.provider}/${row.model}`,
          String(row.calls),
          String(row.input_tokens),
          String(row.output_tokens),
          row.estimated_cost_usd,
        ]),
      ),
    ],
  }),
});

const job = dataCommand({
  name: "costs job",
  about: "Show what a job has cost, attempt by attempt.",
  arguments: ["id"],
  options: [["--csv", "print CSV"]],
  input: z.strictObject({ id: rowNumber, csv: z.boolean().default(false) }),
  run: ({ db, by }, { id, csv }) =>
    orUsage(`there is no job ${id}`, async (): Promise<JobCostsJson | { readonly csv: string }> => {
      const found = jobCostsJson(await getJob(db, by.caller, id), await attemptsOf(db, id));
      return csv ? { csv: jobCostsCsv(found) } : found;
    }),
  show: (result: JobCostsJson | { readonly csv: string }) =>
    "csv" in result
      ? { text: result.csv.trimEnd() }
      : {
          text: [
            `Job ${result.job_id} is ${result.status} and has cost ${result.actual_cost_usd} USD, of ${result.estimated_cost_usd} USD estimated.`,
            attemptTable(result.attempts),
          ],
        },
});

type Suggestions = { readonly items: Awaited<ReturnType<typeof suggestionsFor>>; readonly next_cursor: null };

const suggestions = dataCommand({
  name: "costs suggestions",
  about: "Show how a user's calls of the last 30 days would have cost less, the largest saving first.",
  options: [ofUser],
  input: z.strictObject({ user: z.string().optional() }),
  async run(deps, { user }): Promise<Suggestions> {
    const { id } = await userNamed(deps, user);
    const book = await deps.readPrices();
    return { items: await suggestionsFor({ ...deps, book }, id), next_cursor: null };
  },
  show: ({ items }: Suggestions) => ({
    text: table(
      [
        "KIND",
        "OPERATION",
        prose("MODEL"),
        prose("INSTEAD"),
        amount("CALLS"),
        amount("COST USD"),
        amount("SAVES USD"),
      ],
      items.map(({ kind, operation, model, suggested_model, saving_usd, basis }) => {
        const { calls, cost_usd } = basis;
        return [kind, operation, model, suggested_model ?? "-", String(calls), cost_usd, saving_usd];
      }),
      "No suggestions.",
    ),
  }),
});

export const costsOfCommands = [daily, job, suggestions];
