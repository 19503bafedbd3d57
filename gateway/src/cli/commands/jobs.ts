import { z } from "zod";
import { type JobJson, jobJson } from "../../http/job-json.ts";
import { cancelJob, discardJob, retryJob } from "../../jobs/by-hand.ts";
import { listJobs } from "../../jobs/read.ts";
import { jobStatuses } from "../../jobs/states.ts";
import { dataCommand } from "../command.ts";
import { amount, prose, state, table } from "../table.ts";
import { rowNumber } from "./fields.ts";
import { create } from "./jobs.create.ts";
import { show } from "./jobs.show.ts";
import { orUsage } from "./or-usage.ts";

const list = dataCommand({
  name: "jobs list",
  about: "List jobs, the newest first; dead letters by --status dead_letter.",
  options: [
    ["--status <status>", "only those that are", jobStatuses],
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
    orUsage(`there is no project ${project}`, async () => {
      const wanted = { ...section, projectId: project, before: undefined };
      return {
        items: (await listJobs(deps.db, deps.by.caller, "viewer", wanted)).map(jobJson),
        next_cursor: null,
      };
    }),
  show: ({ items }: { items: readonly JobJson[] }) => ({
    text: table(
      ["ID", "PROJECT", "TYPE", state("STATUS"), "RETRIES", amount("COST USD"), "CREATED", prose("WHY")],
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

const cancel = dataCommand({
  name: "jobs cancel",
  about: "Cancel a job; one that runs is asked to stop.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) =>
    orUsage(`there is no job ${id}`, async () => jobJson(await cancelJob(deps, deps.by, id))),
  show: ({ id, status }: JobJson) => ({
    text: "",
    note: status === "cancelled" ? `Job ${id} is cancelled.` : `Job ${id} is ${status}, and asked to stop.`,
  }),
});

const retry = dataCommand({
  name: "jobs retry",
  about: "Begin a dead letter anew.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) =>
    orUsage(`there is no job ${id}`, async () => jobJson(await retryJob(deps, deps.by, id))),
  show: ({ id }: JobJson) => ({ text: "", note: `Job ${id} is pending again.` }),
});

const discard = dataCommand({
  name: "jobs discard",
  about: "Delete a dead letter.",
  arguments: ["id"],
  input: z.strictObject({ id: rowNumber }),
  run: (deps, { id }) =>
    orUsage(`there is no job ${id}`, async () => {
      await discardJob(deps, deps.by, id);
      return { id, discarded: true };
    }),
  show: ({ id }) => ({ text: "", note: `Job ${id} is gone.` }),
});

export const jobCommands = [create, list, show, cancel, retry, discard];
