import { BUDGETS_CHANNEL } from "../costs/set-budget.ts";
import { atMost } from "../lib/clock.ts";
import { type Chance, uuidv7 } from "../lib/ids.ts";
import type { Store } from "../store/store.ts";
import { claim } from "./claim.ts";
import { type InHand, type InHandDeps, takeInHand } from "./in-hand.ts";
import { JOBS_CHANNEL } from "./job.ts";
import { endLostAttempts, extendLeases } from "./leases.ts";
import { type Steady, steadily } from "./steadily.ts";
import { unblock, wakeRetrying } from "./wake.ts";

export type WorkerDeps = Omit<InHandDeps, "db"> & {
  readonly store: Pick<Store, "db" | "listen">;
  readonly chance: Chance;
  /** Who it is, in `locked_by`. */
  readonly name: string;
  /** Jobs at a time. */
  readonly concurrency: number;
  /** Of one project on all workers together; 0: any number. */
  readonly perProject: number;
};

export type Worker = {
  /** How many jobs it has. */
  running(): number;
  /**
   * Takes no more jobs and waits `graceMs` for those it has. What takes longer is aborted and given back, so that
   * another worker begins it anew at once.
   */
  close(graceMs: number): Promise<void>;
};

const LOOK_EVERY_MS = 1_000;
const BUDGETS_EVERY_MS = 5_000;
/** What was aborted may end by itself for so long. */
const ABORT_GRACE_MS = 2_000;

/**
 * Claims jobs and does them until it is closed, whatever fails around it. Any number may run, in any number of
 * processes: a job is done at least once, and ends exactly once.
 */
export function startWorker({ store, ...deps }: WorkerDeps): Worker {
  const { clock, chance, leaseMs, onTrouble } = deps;
  const { db } = store;
  const inHand = new Map<string, InHand>();

  async function look(): Promise<void> {
    for (let free = freePlaces(); free > 0; free = freePlaces()) {
      const callIds = Array.from({ length: free }, () => uuidv7(clock.now(), chance));
      const askedAt = clock.monotonic();
      const { name: worker, perProject } = deps;
      const claimed = await claim(db, { callIds, worker, leaseMs, perProject });
      for (const job of claimed) {
        const run = takeInHand({ ...deps, db }, job, askedAt);
        inHand.set(run.token, run);
        run.done.then(() => {
          inHand.delete(run.token);
          looking.now();
        });
      }
      if (claimed.length < free) return;
    }
  }
  const freePlaces = () => deps.concurrency - inHand.size;

  async function beat(): Promise<void> {
    if (inHand.size === 0) return;
    const held = [...inHand.values()];
    const askedAt = clock.monotonic();
    const tokens = held.map(({ token }) => token);
    const leases = new Map((await extendLeases(db, tokens, leaseMs)).map((lease) => [lease.token, lease]));
    for (const run of held) {
      const lease = leases.get(run.token);
      if (lease === undefined) run.stop("lease lost");
      else run.confirm(askedAt);
      if (lease?.isCancelled) run.stop("cancelled");
    }
  }

  async function sweep(): Promise<void> {
    await wakeRetrying(db);
    await endLostAttempts({ ...deps, db });
  }

  const repeated = (everyMs: number, what: string, work: () => Promise<void>) =>
    steadily(clock, everyMs, work, (error) => onTrouble(`${what} failed and is tried again`, error));
  const looking = repeated(LOOK_EVERY_MS, "claiming jobs", look);
  const beating = repeated(leaseMs / 3, "extending leases of jobs", beat);
  const sweeping = repeated(LOOK_EVERY_MS, "sweeping jobs", sweep);
  const unblocking = repeated(BUDGETS_EVERY_MS, "unblocking jobs", async () => void (await unblock(db)));
  const ears = [
    listen(JOBS_CHANNEL, (message) => (message === "cancel" ? beating : looking).now()),
    listen(BUDGETS_CHANNEL, unblocking.now),
  ];
  for (const steady of [looking, sweeping, unblocking]) steady.now();

  /** What was said before it hears is found by looking, and so is everything for a worker that hears nothing. */
  async function listen(channel: string, onMessage: (message: string) => void): Promise<() => Promise<void>> {
    try {
      const stop = await store.listen(channel, onMessage);
      onMessage("");
      return stop;
    } catch (error) {
      onTrouble("jobs are not heard of", error);
      return async () => {};
    }
  }

  return {
    running: () => inHand.size,
    async close(graceMs) {
      await Promise.all([looking, sweeping, unblocking].map((steady: Steady) => steady.stop()));
      await Promise.all(ears.map(async (stop) => (await stop)()));
      const left = () => [...inHand.values()];
      const ended = () => Promise.all(left().map(({ done }) => done));
      await atMost(clock, graceMs, ended());
      for (const run of left()) run.stop("stopping");
      await atMost(clock, ABORT_GRACE_MS, ended());
      await beating.stop();
      const givenBack = left().map((run) => run.giveBack());
      for (const one of await Promise.allSettled(givenBack)) {
        if (one.status === "rejected") onTrouble("job not given back", one.reason);
      }
    },
  };
}
