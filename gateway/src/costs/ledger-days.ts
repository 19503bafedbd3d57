import { type Clock, DAY_MS, utcDay } from "../lib/clock.ts";
import { makePartitions } from "./partitions.ts";
import { closeDays, type RetentionDeps } from "./retention.ts";

const LOOK_EVERY_MS = 3_600_000;

/**
 * Makes room on the ledger for the days to come, and closes those that are older than `retentionDays`, now and every
 * hour. Undefined: rows are kept for ever. Stopping waits for the day that is under way.
 */
export function keepLedgerDays(
  deps: Omit<RetentionDeps, "isStopping"> & {
    readonly clock: Clock;
    readonly retentionDays: number | undefined;
    readonly onTrouble: (error: unknown) => void;
  },
): () => Promise<void> {
  const { db, clock, retentionDays, onTrouble } = deps;
  let isStopping = false;
  const closing = { ...deps, isStopping: () => isStopping };
  const look = async (): Promise<void> => {
    if (isStopping) return;
    await makePartitions(db, clock.now()).catch(onTrouble);
    if (retentionDays === undefined) return;
    await closeDays(closing, utcDay(clock.now() - retentionDays * DAY_MS)).catch(onTrouble);
  };
  let looking = look();
  const stop = clock.every(LOOK_EVERY_MS, () => {
    looking = looking.then(look);
  });
  return () => {
    stop();
    isStopping = true;
    return looking;
  };
}
