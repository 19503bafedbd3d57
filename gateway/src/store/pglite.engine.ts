import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { DurableFolder } from "./pglite.durable.ts";
import { createFolder } from "./pglite.folder.ts";
import { valueParsers } from "./values.ts";

/** PostgreSQL inside this thread. It blocks the thread while it works. */
export type Engine = {
  readonly database: PGlite;
  /** undefined: nothing is synced. */
  readonly disk: DurableFolder | undefined;
};

const unsyncedParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=32MB"];
const syncedParams = [
  ...unsyncedParams.filter((each) => each !== "-F"),
  ...["-c", "fsync=on"],
  // fdatasync does nothing in Emscripten.
  ...["-c", "wal_sync_method=fsync"],
];

/** Opens the folder, made first if there is none. The caller holds its lock. `onDiskFailure` ends the thread. */
export async function openEngine(
  folder: string,
  durable: boolean,
  onDiskFailure: (error: unknown) => void,
): Promise<Engine> {
  await createFolder(folder, durable, async (draft) => {
    const fresh = await PGlite.create({
      fs: new NodeFS(draft),
      startParams: unsyncedParams,
      initDbStartParams: ["--wal-segsize=4"],
    });
    await fresh.close();
  });
  const disk = durable ? new DurableFolder(folder, onDiskFailure) : undefined;
  const database = await PGlite.create({
    fs: disk ?? new NodeFS(folder),
    startParams: durable ? syncedParams : unsyncedParams,
    parsers: { ...valueParsers },
  });
  if (disk !== undefined) await refuseUnlessCommitsAreSynced(database, disk);
  return { database, disk };
}

/** Leaves no trace but a record in the log, which a commit that keeps its promise must sync. */
export async function refuseUnlessCommitsAreSynced(database: PGlite, disk: DurableFolder): Promise<void> {
  const before = disk.syncs;
  await database.exec("select pg_logical_emit_message(true, 'tollgate', 'probe')");
  if (disk.syncs === before)
    throw new Error("A commit did not reach the disk: this version of PGlite cannot be used durably.");
}
