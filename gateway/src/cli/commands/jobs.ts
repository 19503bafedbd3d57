import { z } from "zod";
import { type JobCostsJson, type JobJson, jobCostsJson, jobJson } from "../../http/job-json.ts";
import { discardJob, retryJob } from "../../jobs/by-hand.ts";
import { attemptsOf, getJob, listJobs } from "../../jobs/read.ts";
import { jobStatuses } from "../../jobs/states.ts";
import { TollgateError } from "../../lib/errors.ts";
import { dataCommand, table, UsageError } from "../command.ts";

const rowNumber = z.coerce.number().int().min(1);

const list = dataCommand({
  name: "jobs list",
  about: "List jobs, the newest first; dead letters by --status dead_letter.",
  options: [
    ["--status <status>", `one of ${jobStatuses.join(", ")}`],
    ["--project <id>", "only this project's"],
    ["--type <type>", "only of this operation"],
    ["--limit <n>", "how many (default: 50)"],
  ],
  input: z.strictObject({
    status: z.enum(jobStatuses).optional(),
    project: rowNumber.optional(),
    type: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(10_000).default(50),
  }),
  run: (deps, { project, ...section }) =>
    ofJob(`no project ${project}`, async () => {
      const wanted = { ...section, projectId: project, before: undefined };
      return {
        items: (await listJobs(deps.db, deps.by.caller, "viewer", wanted)).map(jobJson),
        next_cursor: null,
      };
    }),
  show: ({ items }: { items: readonly JobJson[] }) => ({
    text: table(
      ["ID", "PROJECT", "TYPE", "STATUS", "RETRIES", "COST USD", "CREATED", "WHY"],
      items.map((job) => [
        String(job.id),
        String(job.project_id),
        job.type,
        job.status,
        `${job.retry_count}/${job.max_retries}`,
        job.actual_cost_usd,
        job.created_at,
        job.failure_reason ?? "-",
      ]),
    ),
  }),
});

type Shown = { readonly job: JobJson; readonly attempts: JobCostsJson["attempts"] };

const show = dataCommand({
  name: "jobs show",
  about: "Show a job with its attempts.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: ({ db, by }, { id }) =>
    ofJob(`no job ${id}`, async (): Promise<Shown> => {
      const job = await getJob(db, by.caller, id);
      const { attempts } = jobCostsJson(job, await attemptsOf(db, id));
      return { job: jobJson(job), attempts };
    }),
  show: ({ job, attempts }: Shown) => ({
    text: [
      JSON.stringify(job, null, 2),
      table(
        ["ATTEMPT", "STARTED", "ENDED", "OUTCOME", "COST USD", "ERROR"],
        attempts.map((one) => [
          String(one.attempt),
          one.started_at,
          one.ended_at ?? "-",
          one.outcome ?? "-",
          one.cost_usd ?? "-",
          one.error ?? "-",
        ]),
      ),
    ].join("\n\n"),
  }),
});

const retry = dataCommand({
  name: "jobs retry",
  about: "Begin a dead letter anew.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) => ofJob(`no job ${id}`, async () => jobJson(await retryJob(deps, deps.by, id))),
  show: ({ id }: JobJson) => ({ text: "", note: `Job ${id} is pending again.` }),
});

const discard = dataCommand({
  name: "jobs discard",
  about: "Delete a dead letter.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) =>
    ofJob(`no job ${id}`, async () => {
      await discardJob(deps, deps.by, id);
      return { id, discarded: true };
    }),
  show: ({ id }) => ({ text: "", note: `Job ${id} is gone.` }),
});

async function ofJob<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TollgateError && error.is("NOT_FOUND")) throw new UsageError(`there is ${what}`);
    throw error;
  }
}

export const jobCommands = [list, show, retry, discard];
