import { open } from "node:fs/promises";
import { type Clock, isoTime } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { type Checkpoint, newCheckpoint } from "./audit.checkpoint.ts";
import { CHAIN } from "./audit.ts";
import type { Log } from "./log.ts";

export type AnchorDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly macKey: Uint8Array;
  /** Lines of JSON are appended to it. */
  readonly file: string | undefined;
  readonly everyMs: number;
  readonly onTrouble: (error: unknown) => void;
};

const LOOK_EVERY_MS = 10_000;
const ENTRIES_PER_CHECKPOINT = 1_000;

/**
 * Writes a checkpoint of the audit log to the log and the file: now, every `everyMs`, soon after a thousand entries,
 * and at the end; none while nothing was appended. Rejects if the first cannot be written. Call the answer to stop.
 */
export async function anchorAudit(deps: AnchorDeps): Promise<() => Promise<void>> {
  const { db, clock } = deps;
  let written = { seq: 0, at: clock.monotonic() };

  const write = async (mayWait: boolean): Promise<void> => {
    const { seq, hash } = await readEnd(db);
    const isDue = clock.monotonic() - written.at >= deps.everyMs;
    const isFull = seq - written.seq >= ENTRIES_PER_CHECKPOINT;
    if (seq === written.seq || (mayWait && !isDue && !isFull)) return;
    const end = { chain: CHAIN, seq, hash: Buffer.from(hash).toString("hex"), at: isoTime(clock.now()) };
    const checkpoint = newCheckpoint(deps.macKey, end);
    deps.log.info(checkpoint, "audit checkpoint");
    written = { ...written, at: clock.monotonic() };
    if (deps.file !== undefined) await appendLine(deps.file, checkpoint);
    written = { ...written, seq };
  };

  if (deps.file !== undefined) await appendLine(deps.file);
  await write(false);
  let writing = Promise.resolve();
  const writeNext = (mayWait: boolean): void => {
    writing = writing.then(() => write(mayWait)).catch(deps.onTrouble);
  };
  const stop = clock.every(Math.min(LOOK_EVERY_MS, deps.everyMs), () => writeNext(true));
  return () => {
    stop();
    writeNext(false);
    return writing;
  };
}

function readEnd(db: Db): Promise<{ seq: number; hash: Uint8Array }> {
  return db
    .selectFrom("audit_chain_heads")
    .select(["seq", "hash"])
    .where("chain", "=", CHAIN)
    .executeTakeFirstOrThrow();
}

/** Resolves when the line is on disk. Without one, only makes sure that there is a file to write to. */
async function appendLine(path: string, line?: Checkpoint): Promise<void> {
  await using file = await open(path, "a", 0o600);
  if (line === undefined) return;
  await file.appendFile(`${JSON.stringify(line)}\n`);
  await file.sync();
}
