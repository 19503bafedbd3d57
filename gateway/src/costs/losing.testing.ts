import { StoreUnavailable } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";

export type Losing = { readonly db: Db; isLosing: boolean };

/** A database that does what it is told; what it answers is lost while `isLosing`. Imported by tests only. */
export function losing(database: Db): Losing {
  const db = database.withPlugin({
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (line.isLosing) throw new StoreUnavailable("the answer was lost");
      return result;
    },
  });
  const line: Losing = { db, isLosing: false };
  return line;
}
