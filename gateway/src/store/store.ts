import type { Db } from "./tables.ts";

/** An open database: PGlite in a worker thread, or PostgreSQL. The SQL is written once and means the same on both. */
export type Store = {
  readonly kind: "pglite" | "postgres";
  readonly db: Db;
  /** The same database without the time limit of a request: for migrations, VACUUM and recomputing reports. */
  readonly maintenance: Db;
  /**
   * Calls `onMessage` with the payload of every NOTIFY on `channel`; listens again after a lost connection. Messages
   * sent while the connection was lost are not repeated. Rejects with StoreUnavailable if it cannot begin.
   */
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
};
