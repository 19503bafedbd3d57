import { createHash } from "node:crypto";
import { authorize, type ScopesMode } from "../access/authorize.ts";
import { requireLevel } from "../access/levels.ts";
import { findProject } from "../access/projects.ts";
import type { EstimateCall } from "../calls/estimate.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Db } from "../store/tables.ts";
import type { Announce } from "../telemetry/notifier.outbox.ts";
import { type CostedJob, withCosts } from "./costs.ts";
import { BUDGET_EXCEEDED, enqueue } from "./enqueue.ts";
import { jobOf, type Payload } from "./job.ts";
import { bodyOf, type Operation, type Operations, scopesOf } from "./operations.ts";

export type WantedJob = {
  readonly projectId: number;
  readonly type: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly maxRetries: number | undefined;
  readonly idempotencyKey: string | undefined;
  readonly correlationId: string;
};

export type CreateJobDeps = {
  readonly db: Db;
  readonly announce: Announce;
  readonly operations: Operations;
  readonly usualModel: () => string | undefined;
  readonly usualMaxRetries: number;
  readonly estimate: EstimateCall;
  readonly scopesMode: ScopesMode;
};

const LONGEST_PAYLOAD_BYTES = 1_048_576;

/**
 * Makes a job for a developer of the project, or answers the one that this idempotency key made before. Throws
 * NOT_FOUND, FORBIDDEN, SCOPE_MISSING, VALIDATION_FAILED with paths into the payload, what there is to say about the
 * model, and IDEMPOTENCY_CONFLICT for a key that made another job.
 */
export async function createJob(
  deps: CreateJobDeps,
  principal: Principal,
  wanted: WantedJob,
): Promise<{ readonly job: CostedJob; readonly created: boolean }> {
  const { db, announce } = deps;
  const project = await findProject(db, principal, wanted.projectId);
  const { id: projectId } = requireLevel(project?.archivedAt === null ? project : undefined, "developer");
  const operation = deps.operations.get(wanted.type);
  if (operation === undefined) throw unknownType(deps.operations);
  for (const scope of scopesOf(operation)) authorize(principal, { scope }, deps.scopesMode);
  const payload = payloadOf(operation, wanted.payload);
  const body = bodyOf(operation, payload, deps.usualModel());
  if (body.model === undefined) throw invalid("payload.model", "is missing, for JOB_MODEL names no other");
  const { type, priority, idempotencyKey, correlationId } = wanted;
  const maxRetries = wanted.maxRetries ?? operation.maxRetries ?? deps.usualMaxRetries;
  const hashed = { type, payload: wanted.payload, priority, maxRetries: wanted.maxRetries };
  const { estimatedPico, neededPico } = deps.estimate(principal.key, body);

  return db.transaction().execute(async (tx) => {
    const made = await enqueue(tx, {
      projectId,
      userId: principal.userId,
      keyId: principal.key?.keyId,
      type,
      payload,
      priority,
      maxRetries,
      idempotencyKey,
      bodyHash: createHash("sha256").update(canonical(hashed)).digest(),
      correlationId,
      estimatedPico,
      neededPico,
    });
    if (!made.isSame) throw new TollgateError("IDEMPOTENCY_CONFLICT");
    if (made.created && made.status === "blocked") {
      const data = { job_id: made.id, project_id: projectId, type };
      await announce(tx, "job.blocked", { ...data, failure_reason: BUDGET_EXCEEDED, last_error: null });
    }
    const row = await tx.selectFrom("jobs").selectAll().where("id", "=", made.id).executeTakeFirstOrThrow();
    return { job: (await withCosts(tx, [jobOf(row)]))[0]!, created: made.created };
  });
}

/** What is kept is what was checked. */
function payloadOf({ payload }: Operation, sent: unknown): Payload {
  if (Buffer.byteLength(JSON.stringify(sent)) > LONGEST_PAYLOAD_BYTES) {
    throw new TollgateError("PAYLOAD_TOO_LARGE");
  }
  const read = payload.safeParse(sent);
  if (read.success) return read.data;
  const faults = read.error.issues.flatMap(({ path, message, ...issue }) => {
    const place = ["payload", ...path].reduce<string>(under, "");
    if (issue.code !== "unrecognized_keys") return [{ path: place, message }];
    return issue.keys.map((key) => ({ path: under(place, key), message: "is not a known field" }));
  });
  throw new TollgateError("VALIDATION_FAILED", { faults });
}

function under(place: string, part: PropertyKey): string {
  if (typeof part === "number") return `${place}[${part}]`;
  return place === "" ? String(part) : `${place}.${String(part)}`;
}

function unknownType(operations: Operations): TollgateError {
  return invalid("type", `is no operation; there are: ${[...operations.keys()].join(", ")}`);
}

function invalid(path: string, message: string): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}

/** The same text for the same JSON, in whatever order its members are. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
