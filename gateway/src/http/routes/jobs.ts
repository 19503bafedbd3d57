import { z } from "zod";
import { type ByHandDeps, cancelJob, discardJob, retryJob } from "../../jobs/by-hand.ts";
import { type CreateJobDeps, createJob } from "../../jobs/create.ts";
import { attemptsOf, getJob, listJobs } from "../../jobs/read.ts";
import { jobStatuses } from "../../jobs/states.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Endpoint, Visit } from "../endpoint.ts";
import { plainText, rowId } from "../fields.ts";
import { jobAnswer, jobCostsAnswer, jobCostsCsv, jobCostsJson, jobJson } from "../job-json.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { periodQuery } from "./costs.ts";

export type JobDeps = CreateJobDeps & ByHandDeps & { readonly pages: Pages };

const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,255}$/, "must be 1 to 255 visible ASCII characters");
export const newJob = z.strictObject({
  project_id: z.int().min(1),
  type: z.string().min(1).max(64),
  payload: z.record(z.string(), z.unknown()),
  priority: z.int().min(-100).max(100).default(0),
  max_retries: z.int().min(0).max(20).optional(),
  idempotency_key: idempotencyKey.optional(),
});
const params = z.object({ id: rowId });
const projectId = z.coerce.number().int().min(1).optional();
const query = z.strictObject({
  ...pageQuery,
  status: z.enum(jobStatuses).optional(),
  project_id: projectId,
  type: plainText.max(64).optional(),
});
const deadLetterQuery = z.strictObject({
  ...pageQuery,
  project_id: projectId,
  type: plainText.max(64).optional(),
});

const read = { credential: "caller", scope: "jobs:read", class: "manage" } as const;
const write = { credential: "caller", scope: "jobs:write", class: "manage" } as const;

/** Jobs and their dead letters (J1, J3). */
export function jobRoutes(deps: JobDeps): readonly Endpoint[] {
  const { db, pages } = deps;
  const idIn = ({ request }: Visit) => (request.params as z.infer<typeof params>).id;
  const byIn = ({ visitor, cause }: Visit) => ({ caller: visitor.principal, cause: cause() });
  return [
    {
      method: "POST",
      path: "/jobs",
      alsoAt: ["/jobs/"],
      summary: "Makes a job; under the same idempotency key the same. Counts as an AI call.",
      access: { credential: "caller", scope: "jobs:write", class: "chat" },
      isAiCall: true,
      body: newJob,
      answer: jobAnswer,
      answerStatus: 201,
      async handle({ request, reply, visitor, correlationId, ticket }) {
        const { project_id, max_retries, idempotency_key, ...rest } = request.body as z.infer<typeof newJob>;
        const { job, created } = await createJob(deps, visitor.principal, {
          ...rest,
          projectId: project_id,
          maxRetries: max_retries,
          idempotencyKey: keyOf(idempotency_key, request.headers["idempotency-key"]),
          correlationId,
        });
        if (created) return jobJson(job);
        // A repetition costs nothing.
        if (await ticket.giveBack()) request.tollgateTrace.tellGivenBack?.();
        return reply.code(200).send(jobJson(job));
      },
    },
    {
      method: "GET",
      path: "/jobs",
      alsoAt: ["/jobs/"],
      summary: "The jobs of the caller's projects, the newest first.",
      access: read,
      priority: "reserved",
      query,
      answer: pageOf(jobAnswer),
      async handle({ request, visitor }) {
        const { limit, cursor, project_id, status, type } = request.query as z.infer<typeof query>;
        const section = { status, type, projectId: project_id, ...part("jobs", limit, cursor) };
        const found = await listJobs(db, visitor.principal, "viewer", section);
        return pages.page("jobs", found.map(jobJson), limit, ({ id }) => id);
      },
    },
    {
      method: "GET",
      path: "/jobs/dead-letter",
      summary: "The jobs that have failed for the last time, of the projects that the caller manages.",
      access: read,
      query: deadLetterQuery,
      answer: pageOf(jobAnswer),
      async handle({ request, visitor }) {
        const { limit, cursor, project_id, type } = request.query as z.infer<typeof deadLetterQuery>;
        const own = { status: "dead_letter", type, projectId: project_id } as const;
        const section = { ...own, ...part("dead-letters", limit, cursor) };
        const found = await listJobs(db, visitor.principal, "manager", section);
        return pages.page("dead-letters", found.map(jobJson), limit, ({ id }) => id);
      },
    },
    {
      method: "GET",
      path: "/jobs/:id",
      summary: "A job.",
      access: read,
      priority: "reserved",
      params,
      answer: jobAnswer,
      handle: async (visit) => jobJson(await getJob(db, visit.visitor.principal, idIn(visit))),
    },
    {
      method: "GET",
      path: "/costs/jobs/:id",
      summary: "What a job has cost, attempt by attempt.",
      access: { credential: "caller", scope: "costs:read", class: "manage" },
      params,
      query: periodQuery,
      answer: jobCostsAnswer,
      async handle(visit) {
        const job = await getJob(db, visit.visitor.principal, idIn(visit));
        const json = jobCostsJson(job, await attemptsOf(db, job.id));
        const { format } = visit.request.query as z.infer<typeof periodQuery>;
        if (format === "json") return json;
        visit.reply
          .type("text/csv; charset=utf-8")
          .header("content-disposition", 'attachment; filename="job.csv"');
        return jobCostsCsv(json);
      },
    },
    {
      method: "POST",
      path: "/jobs/:id/cancel",
      summary: "Cancels a job; one that runs is asked to stop.",
      access: write,
      params,
      answer: jobAnswer,
      handle: async (visit) => jobJson(await cancelJob(deps, byIn(visit), idIn(visit))),
    },
    {
      method: "POST",
      path: "/jobs/:id/retry",
      summary: "Begins a dead letter anew: its project's managers.",
      access: write,
      params,
      answer: jobAnswer,
      handle: async (visit) => jobJson(await retryJob(deps, byIn(visit), idIn(visit))),
    },
    {
      method: "DELETE",
      path: "/jobs/:id",
      summary: "Deletes a dead letter: its project's managers.",
      access: write,
      params,
      answerStatus: 204,
      handle: (visit) => discardJob(deps, byIn(visit), idIn(visit)),
    },
  ];

  function part(list: string, limit: number, cursor: string | undefined) {
    const after = pages.after(list, cursor);
    return { before: after === undefined ? undefined : Number(after), limit: limit + 1 };
  }
}

/** In the body or in the header; in both, it has to be the same. */
function keyOf(field: string | undefined, header: string | string[] | undefined): string | undefined {
  if (header === undefined) return field;
  const read = idempotencyKey.safeParse(header);
  if (read.success && (field === undefined || field === read.data)) return read.data;
  const message = read.success
    ? "is not that of the header Idempotency-Key"
    : "must be 1 to 255 visible ASCII characters";
  const path = read.success ? "idempotency_key" : "Idempotency-Key";
  throw new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}
