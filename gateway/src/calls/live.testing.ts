import { principal } from "../identity/testing.ts";
import { systemClock } from "../lib/clock.ts";
import { until } from "../lib/until.testing.ts";
import type { Store } from "../store/store.ts";
import { EVENTS_CHANNEL } from "../telemetry/live.log.ts";
import type { Visitor } from "./enter.ts";
import type { EndReason, Listener } from "./live.listener.ts";
import { type Live, type LiveDeps, openLive } from "./live.ts";

/** Imported by tests only. */
export const administrator: Visitor = visitor("usr_admin", "admin");

export function visitor(userId: string, role: "admin" | "developer" = "developer"): Visitor {
  return { principal: principal({ userId, role }), presented: { token: "x" }, address: "192.0.2.1" };
}

/** A process that tells live events; whoever asks may stay, unless a test says otherwise. */
export async function instanceOf(store: Store, fields: Partial<LiveDeps> = {}): Promise<Live> {
  const live = openLive({
    db: store.db,
    clock: systemClock,
    maxListeners: 1_000,
    stay: async (one) => one,
    onCount: () => {},
    onEnd: () => {},
    onTrouble(error) {
      throw error;
    },
    ...fields,
  });
  await store.listen(EVENTS_CHANNEL, live.wake);
  return live;
}

/** Somebody who listens and remembers; `waiting` bytes are not taken yet. */
export function listening(): Listener & {
  waiting: number;
  readonly ids: string[];
  readonly jobs: unknown[];
  /** Of each `ready`: whether a snapshot was needed. */
  readonly ready: boolean[];
  ended: EndReason | undefined;
  until(holds: () => boolean): Promise<void>;
} {
  const ids: string[] = [];
  const jobs: unknown[] = [];
  const ready: boolean[] = [];
  return {
    waiting: 0,
    ids,
    jobs,
    ready,
    ended: undefined,
    tell({ id, text }) {
      const { data } = JSON.parse(text) as { data: { job_id?: number; snapshot_needed?: boolean } };
      if (id === undefined) ready.push(data.snapshot_needed!);
      else {
        ids.push(id);
        jobs.push(data.job_id);
      }
    },
    waitingBytes() {
      return this.waiting;
    },
    end(reason) {
      this.ended = reason;
    },
    until: (holds) => until(holds, { limitMs: 30_000, what: () => `it; ${ids.length} events were told` }),
  };
}
