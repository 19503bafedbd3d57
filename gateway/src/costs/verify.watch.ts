import { type Clock, DAY_MS, utcDay } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { type BooksCheck, checkBooks } from "./verify.ts";

const LOOK_EVERY_MS = 900_000;
/** Soon before nobody waits for an answer of the database any more. */
const LONGEST_LOOK_MS = 1_900;

/**
 * Checks today's and yesterday's books now and every quarter of an hour, each time for less than two seconds. `isWhole`
 * of a check says whether that was enough. Stopping waits for a check that is under way.
 */
export function watchBooks(deps: {
  readonly db: Db;
  readonly clock: Clock;
  readonly onChecked: (check: BooksCheck) => void;
  readonly onTrouble: (error: unknown) => void;
}): () => Promise<void> {
  const { db, clock, onChecked, onTrouble } = deps;
  const look = async (): Promise<void> => {
    const sinceDay = utcDay(clock.now() - DAY_MS);
    const until = { clock, atMs: clock.monotonic() + LONGEST_LOOK_MS };
    await checkBooks(db, { sinceDay, until }).then(onChecked).catch(onTrouble);
  };
  let looking = look();
  const stop = clock.every(LOOK_EVERY_MS, () => {
    looking = looking.then(look);
  });
  return () => {
    stop();
    return looking;
  };
}
