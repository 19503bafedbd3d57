import { sql } from "kysely";
import type { Clock } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import type { JobStatus } from "./states.ts";
import { steadily } from "./steadily.ts";

/** States that jobs are in until something happens. */
const unfinished = [
  "pending",
  "running",
  "retrying",
  "blocked",
  "dead_letter",
] as const satisfies JobStatus[];

export type QueueState = {
  readonly counts: Readonly<Record<(typeof unfinished)[number], number>>;
  /** How long the oldest job that might be claimed has waited, seconds; 0: there is none. */
  readonly oldestWaitSeconds: number;
};

export async function readQueue(db: Db): Promise<QueueState> {
  const { rows } = await sql<{ status: (typeof unfinished)[number]; jobs: number; waited: number }>`
    select status, count(*) as jobs,
      coalesce(greatest(0, extract(epoch from now() - min(run_at) filter (where status = 'pending'))), 0)::float8 as waited
    from jobs where status not in ('completed', 'cancelled') group by status`.execute(db);
  const per = new Map(rows.map((row) => [row.status, row]));
  return {
    counts: Object.fromEntries(
      unfinished.map((status) => [status, per.get(status)?.jobs ?? 0]),
    ) as QueueState["counts"],
    oldestWaitSeconds: per.get("pending")?.waited ?? 0,
  };
}

export type QueueWatch = {
  /** Jobs that wait for a worker, as last seen. */
  depth(): number;
  stop(): Promise<void>;
};

const LOOK_EVERY_MS = 2_000;

/** Knows how many jobs there are, for metrics and for who decides whether there is room for more (A5). */
export function watchQueue(deps: {
  readonly db: Db;
  readonly clock: Clock;
  readonly onRead: (state: QueueState) => void;
  readonly onTrouble: (error: unknown) => void;
}): QueueWatch {
  let depth = 0;
  const look = async (): Promise<void> => {
    const state = await readQueue(deps.db);
    depth = state.counts.pending;
    deps.onRead(state);
  };
  const looking = steadily(deps.clock, LOOK_EVERY_MS, look, deps.onTrouble);
  looking.now();
  return { depth: () => depth, stop: looking.stop };
}
