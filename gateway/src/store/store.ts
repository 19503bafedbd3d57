import type { Db } from "./tables.ts";

/** An open database: PGlite in a worker thread, or PostgreSQL. The SQL is written once and means the same on both. */
export type Store = {
  readonly kind: "pglite" | "postgres";
  readonly db: Db;
  /** Calls `onMessage` with the payload of every NOTIFY on `channel`; listens again after a lost connection. */
  listen(channel: string, onMessage: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
};
