import { z } from "zod";
import { type JobCostsJson, type JobJson, jobCostsJson, jobJson } from "../../http/job-json.ts";
import { attemptsOf, getJob } from "../../jobs/read.ts";
import { dataCommand } from "../command.ts";
import { amount, prose, state, type Table, table } from "../table.ts";
import { rowNumber } from "./fields.ts";
import { orUsage } from "./or-usage.ts";

type Attempts = JobCostsJson["attempts"];
type ShownJob = { readonly job: JobJson; readonly attempts: Attempts };

export const show = dataCommand({
  name: "jobs show",
  about: "Show a job with its attempts.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: ({ db, by }, { id }) =>
    orUsage(`there is no job ${id}`, async (): Promise<ShownJob> => {
      const job = await getJob(db, by.caller, id);
      const { attempts } = jobCostsJson(job, await attemptsOf(db, id));
      return { job: jobJson(job), attempts };
    }),
  show: ({ job, attempts }: ShownJob) => ({ text: [JSON.stringify(job, null, 2), attemptTable(attempts)] }),
});

export function attemptTable(attempts: Attempts): Table {
  return table(
    ["ATTEMPT", "STARTED", "ENDED", state("OUTCOME"), amount("COST USD"), prose("ERROR")],
    attempts.map((one) => [
      String(one.attempt),
      one.started_at,
      one.ended_at ?? "-",
      one.outcome ?? "-",
      one.cost_usd ?? "-",
      one.error ?? "-",
    ]),
  );
}
