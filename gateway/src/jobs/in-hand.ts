import { type Clock, sleep } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import { type EndDeps, type Ending, endAttempt } from "./end-attempt.ts";
import type { Claimed } from "./job.ts";
import { delayAfterDeferral, type JobStatus, nextAfterFailure, type Outcome } from "./states.ts";
import { verdictOf } from "./verdict.ts";

/** Does one job. What it throws is judged by `verdictOf`; once the signal aborts, it should end soon, however. */
export type Perform = (job: Claimed, signal: AbortSignal) => Promise<unknown>;

/** Why a handler is told to stop. */
export type StopReason = "cancelled" | "lease lost" | "stopping";

export type InHandDeps = EndDeps & {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly retryBaseMs: number;
  readonly perform: Perform;
  /** What each budget must have left before this job can begin. */
  readonly neededPico: (job: Claimed) => Pico;
  readonly onAttempt: (job: Claimed, outcome: Outcome) => void;
  readonly onTrouble: (what: string, error: unknown) => void;
};

/** A job that this worker is doing. */
export type InHand = {
  readonly token: string;
  /** Resolves when nothing is left to do about it. */
  readonly done: Promise<void>;
  /** The lease goes on. @param askedAt when it was asked for, monotonic: it lasts no longer than its length from then. */
  confirm(askedAt: number): void;
  stop(why: StopReason): void;
  /** Gives back what does not end by itself; what its handler still does counts for nothing. */
  giveBack(): Promise<void>;
};

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 1_000;

/** Does a job and ends its attempt. */
export function takeInHand(deps: InHandDeps, job: Claimed, askedAt: number): InHand {
  const { clock, leaseMs, onTrouble } = deps;
  const controller = new AbortController();
  const { signal } = controller;
  let callOffLoss = () => {};
  /** Somebody else has decided about it, or may have by now. */
  let isLost = false;

  function stop(why: StopReason): void {
    if (why === "lease lost") isLost = true;
    controller.abort(why);
  }

  function confirm(at: number): void {
    callOffLoss();
    callOffLoss = clock.after(Math.max(0, at + leaseMs - clock.monotonic()), () => stop("lease lost"));
  }

  async function work(): Promise<void> {
    const ending = await resultOf().then(
      (result): Ending => ({ status: "completed", result }),
      (thrown: unknown) => endingAfter(deps, job, signal, thrown),
    );
    // A result is offered even so: only the database knows whether the lease was lost, and the money is spent.
    if (isLost && ending.status !== "completed") return;
    await end(ending);
  }

  async function resultOf(): Promise<string> {
    return JSON.stringify((await deps.perform(job, signal)) ?? null);
  }

  /** Tries until the database answers or the lease is over: a handler that is through is never run again for this. */
  async function end(ending: Ending): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        const status = await endAttempt(deps, job, ending);
        if (status !== undefined) deps.onAttempt(job, outcomeOf(ending, status));
        return;
      } catch (error) {
        onTrouble("end of a job not written", error);
        if (isLost) return;
        await sleep(clock, retryMs);
      }
    }
  }

  confirm(askedAt);
  return {
    token: job.token,
    done: work()
      .catch((error: unknown) => onTrouble("job not ended", error))
      .finally(() => callOffLoss()),
    confirm,
    stop,
    async giveBack() {
      isLost = true;
      callOffLoss();
      const status = await endAttempt(deps, job, { status: "pending" });
      if (status !== undefined) deps.onAttempt(job, outcomeOf({ status: "pending" }, status));
    },
  };
}

function endingAfter(deps: InHandDeps, job: Claimed, signal: AbortSignal, thrown: unknown): Ending {
  if (signal.aborted) return { status: signal.reason === "cancelled" ? "cancelled" : "pending" };
  const verdict = verdictOf(thrown);
  const { error } = verdict;
  if (error.code === "INTERNAL") deps.onTrouble(`job ${job.id} failed unexpectedly`, thrown);
  switch (verdict.kind) {
    case "blocked":
      return { status: "blocked", neededPico: deps.neededPico(job), error };
    case "deferred": {
      const delayMs = delayAfterDeferral(job.deferrals, verdict.saidMs);
      return { status: "retrying", outcome: "deferred", delayMs, retryCount: job.retryCount, error };
    }
    case "failed": {
      const { isFatal } = verdict;
      const next = nextAfterFailure(job, { isFatal, retryBaseMs: deps.retryBaseMs });
      return { ...next, outcome: "failed", error };
    }
  }
}

function outcomeOf(ending: Ending, status: JobStatus): Outcome {
  if (status === "cancelled") return "cancelled";
  if ("outcome" in ending) return ending.outcome;
  return ending.status === "pending" ? "given_back" : ending.status;
}
