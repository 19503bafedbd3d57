import type { Ask } from "./calls/ask.ts";
import { estimateCall } from "./calls/estimate.ts";
import type { Payers } from "./calls/payer.ts";
import type { RouteDeps } from "./calls/route.ts";
import { operationsOf } from "./config/file.operations.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { usualModel } from "./config/usual-model.ts";
import type { JobDeps } from "./http/routes/jobs.ts";
import { standInFor } from "./identity/stand-in.ts";
import { neededNow, performOperations } from "./jobs/perform.ts";
import { watchQueue } from "./jobs/queue-watch.ts";
import { startWorker, type Worker } from "./jobs/worker.ts";
import type { Clock } from "./lib/clock.ts";
import { uuidv7 } from "./lib/ids.ts";
import type { PlanOf } from "./limits/plans.ts";
import type { Store } from "./store/store.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import type { Announce } from "./telemetry/notifier.outbox.ts";

/** Jobs: what routes need to make them, and the worker that does them. */
export type OpenJobs = Omit<JobDeps, "db" | "change" | "announce" | "pages"> & {
  /** Jobs that wait for a worker, as last seen: what pressure asks for. */
  readonly queueDepth: () => number;
  /** Begins to do jobs, unless this process only answers requests. */
  work(): void;
  /** Waits `graceMs` for jobs that run; the rest is given back. */
  close(graceMs: number): Promise<void>;
};

export function openJobs(
  deps: RouteDeps & {
    readonly settings: Settings;
    readonly file: ConfigFile;
    readonly store: Store;
    readonly clock: Clock;
    readonly planOf: PlanOf;
    readonly payers: Pick<Payers, "projectOf">;
    readonly ask: Ask;
    readonly announce: Announce;
    readonly metrics: Metrics;
    readonly trouble: (what: string) => (error: unknown) => void;
  },
): OpenJobs {
  const { settings, file, store, clock, metrics, trouble } = deps;
  const { db } = store;
  const operations = operationsOf(file);
  const ofJobs = () => settings.JOB_MODEL ?? usualModel(deps.routes().fallback);
  const scopesMode = settings.SCOPES_MODE;
  const estimate = estimateCall(deps);
  const watch = watchQueue({
    db,
    clock,
    onRead({ counts, oldestWaitSeconds }) {
      for (const [state, count] of Object.entries(counts)) metrics.jobs.labels(state).set(count);
      metrics.oldestJobSeconds.set(oldestWaitSeconds);
    },
    onTrouble: trouble("jobs not counted"),
  });
  let worker: Worker | undefined;
  return {
    operations,
    usualModel: ofJobs,
    usualMaxRetries: settings.JOB_MAX_RETRIES,
    estimate,
    scopesMode,
    queueDepth: watch.depth,
    work() {
      if (settings.ROLE === "gateway") return;
      worker = startWorker({
        store,
        clock,
        chance: deps.chance,
        name: uuidv7(clock.now(), deps.chance),
        concurrency: settings.WORKER_CONCURRENCY,
        leaseMs: settings.JOB_LEASE_SECONDS * 1000,
        retryBaseMs: settings.JOB_RETRY_BASE_SECONDS * 1000,
        perProject: settings.JOB_PROJECT_CONCURRENCY,
        perform: performOperations({
          operations,
          usualModel: ofJobs,
          ask: deps.ask,
          payers: deps.payers,
          standInFor: (absent) => standInFor({ ...deps, db }, absent),
          scopesMode,
        }),
        neededPico: neededNow({ operations, usualModel: ofJobs, estimate }),
        announce: deps.announce,
        onAttempt: (_job, outcome) => metrics.jobAttempts.labels(outcome).inc(),
        onTrouble: (what, error) => trouble(what)(error),
      });
    },
    async close(graceMs) {
      await Promise.all([watch.stop(), worker?.close(graceMs)]);
    },
  };
}
