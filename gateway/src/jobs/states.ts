import type { JobAttemptsTable, JobsTable } from "../store/tables.jobs.ts";

export type JobStatus = JobsTable["status"];

/** How an attempt ended; `failed` is never the state of a job (J2). */
export type Outcome = NonNullable<JobAttemptsTable["outcome"]["__select__"]>;

export const jobStatuses = [
  "pending",
  "running",
  "completed",
  "retrying",
  "dead_letter",
  "blocked",
  "cancelled",
] as const satisfies readonly JobStatus[];

/** Where a job may begin. */
export const firstStatuses: readonly JobStatus[] = ["pending", "blocked"];

/** Every change of a job's status there is. */
export const transitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  pending: ["running", "cancelled"],
  /** Back to pending: given back by a worker that stops. */
  running: ["completed", "retrying", "dead_letter", "blocked", "cancelled", "pending"],
  retrying: ["pending", "cancelled"],
  blocked: ["pending", "cancelled"],
  /** By hand only. */
  dead_letter: ["pending"],
  completed: [],
  cancelled: [],
};

export function mayBecome(from: JobStatus, to: JobStatus): boolean {
  return transitions[from].includes(to);
}

/** What can be called off. */
export const cancellable = jobStatuses.filter((status) => mayBecome(status, "cancelled"));

export type AfterFailure =
  | { readonly status: "retrying"; readonly delayMs: number; readonly retryCount: number }
  | { readonly status: "dead_letter"; readonly failureReason: string };

/**
 * What a failed attempt makes of its job (J2). The delays are a contract, so nothing is left to chance: base × 2^retries,
 * 60, 120, 240, 480 s with the usual base. An error is fatal if no repetition can help.
 */
export function nextAfterFailure(
  { retryCount, maxRetries }: { readonly retryCount: number; readonly maxRetries: number },
  { isFatal, retryBaseMs }: { readonly isFatal: boolean; readonly retryBaseMs: number },
): AfterFailure {
  if (isFatal) return { status: "dead_letter", failureReason: "fatal error" };
  if (retryCount >= maxRetries) return { status: "dead_letter", failureReason: "max retries exceeded" };
  return { status: "retrying", delayMs: retryBaseMs * 2 ** retryCount, retryCount: retryCount + 1 };
}

const FIRST_DEFERRAL_MS = 15_000;
const LONGEST_DEFERRAL_MS = 300_000;

/**
 * How long a job waits that was put off `deferrals` times in a row before: never less than was said, and each time
 * longer, up to five minutes.
 * @param saidMs undefined: nobody says when to come again
 */
export function delayAfterDeferral(deferrals: number, saidMs: number | undefined): number {
  if (deferrals === 0) return saidMs ?? FIRST_DEFERRAL_MS;
  return Math.max(saidMs ?? 0, Math.min(FIRST_DEFERRAL_MS * 2 ** deferrals, LONGEST_DEFERRAL_MS));
}
