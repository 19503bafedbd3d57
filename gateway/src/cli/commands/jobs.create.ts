import { z } from "zod";
import { authorize } from "../../access/authorize.ts";
import { findProject } from "../../access/projects.ts";
import { type JobJson, jobJson } from "../../http/job-json.ts";
import { newJob } from "../../http/routes/jobs.ts";
import { createJob } from "../../jobs/create.ts";
import { newCorrelationId } from "../../lib/ids.ts";
import { dataCommand, UsageError } from "../command.ts";
import { rowNumber } from "./fields.ts";
import { inServer } from "./in-server.ts";
import { orUsage } from "./or-usage.ts";
import { principalNamed } from "./principal-named.ts";
import { typedFile } from "./typed-file.ts";

const { type, payload, priority, max_retries, idempotency_key } = newJob.shape;

export const create = dataCommand({
  name: "jobs create",
  about: "Make a job, in its project owner's name; under the same idempotency key the same.",
  options: [
    ["--project <id>", "project that pays for it"],
    ["--type <type>", "operation"],
    [
      "--payload <json>",
      "what the operation takes, as JSON; @file reads a file, @- standard input",
      readJson,
    ],
    ["--user <user>", "in whose name, by id or e-mail address (default: the project's owner)"],
    ["--priority <n>", "-100 to 100, the highest first (default: 0)"],
    ["--max-retries <n>", "how often it is tried again (default: the operation's)"],
    ["--idempotency-key <key>", "under which it is made once, however often this is repeated"],
  ],
  input: z.strictObject({
    project: rowNumber,
    type,
    payload,
    user: z.string().optional(),
    priority: z.coerce.number().pipe(priority.unwrap()).default(0),
    maxRetries: z.coerce.number().pipe(max_retries.unwrap()).optional(),
    idempotencyKey: idempotency_key,
  }),
  run: (deps, { project: projectId, user, maxRetries, idempotencyKey, ...rest }) =>
    orUsage(`there is no project ${projectId}`, async () => {
      const { by, db, chance } = deps;
      const parts = inServer(deps.server, "POST /jobs").jobs;
      const project = await findProject(db, by.caller, projectId);
      if (project === undefined) throw new UsageError(`there is no project ${projectId}`);
      const principal = await principalNamed(deps, { user: user ?? project.ownerId });
      authorize(principal, { scope: "jobs:write" }, parts.scopesMode);
      const correlationId = by.cause.request?.correlationId ?? newCorrelationId(chance);
      const wanted = { ...rest, projectId, maxRetries, idempotencyKey, correlationId };
      const { job } = await createJob({ ...parts, db }, principal, wanted);
      return jobJson(job);
    }),
  show: ({ id, status, failure_reason }: JobJson) => ({
    text: String(id),
    note: `Job ${id} is ${status}${failure_reason === null ? "" : `: ${failure_reason}`}.`,
  }),
});

function readJson(text: string): unknown {
  const json = text.startsWith("@") ? typedFile("--payload", text.slice(1)) : text;
  try {
    return JSON.parse(json);
  } catch {
    throw new UsageError("--payload is no JSON");
  }
}
