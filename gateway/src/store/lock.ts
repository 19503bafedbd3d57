import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { blockFor, type Clock } from "../lib/clock.ts";
import { type Chance, uuidv7 } from "../lib/ids.ts";

/**
 * Who holds a database folder. PGlite lets two processes write the same folder and loses rows, so a file beside the
 * folder says who may. It is never judged by its age: an owner loses it by being dead, not by being slow.
 */
export type Owner = {
  readonly pid: number;
  /** The owner's start, in clock ticks since boot: another process with the same pid has another. "" if unknown. */
  readonly start: string;
  /** Where the owner's admin API listens, once it does. */
  readonly adminUrl: string | undefined;
  readonly id: string;
};

export type Lock = {
  announce(adminUrl: string): void;
  release(): void;
};

/** A living process holds the folder. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
  readonly owner: Owner;

  constructor(folder: string, owner: Owner) {
    const place = owner.adminUrl === undefined ? "" : `, which answers at ${owner.adminUrl}`;
    super(
      `The database folder ${folder} is in use by process ${owner.pid}${place}. Stop that process first.`,
    );
    this.owner = owner;
  }
}

const ROUNDS = 1_000;
const PAUSE_MS = 4;
/** Burying takes microseconds. A grave that still stands after these rounds was left by a process that died at it. */
const ROUNDS_OF_A_BURIAL = 500;

/** Takes the lock, from a dead owner too. Throws FolderInUse if the owner lives. */
export function takeLock(folder: string, deps: { clock: Clock; chance: Chance }): Lock {
  const file = lockFile(folder);
  const id = uuidv7(deps.clock.now(), deps.chance);
  const me: Owner = { pid: process.pid, start: startOf(process.pid), adminUrl: undefined, id };
  const draft = `${file}.${id}`;
  writeFileSync(draft, JSON.stringify(me));
  try {
    for (let round = 0; round < ROUNDS; round++) {
      if (linked(draft, file)) return held(file, me);
      const owner = readFile(file);
      if (owner === undefined) continue;
      if (isAlive(owner)) throw new FolderInUse(folder, owner);
      if (!bury(file, owner)) {
        if (round === ROUNDS_OF_A_BURIAL) rmSync(graveOf(file, owner), { force: true });
        blockFor(PAUSE_MS);
      }
    }
  } finally {
    unlinkSync(draft);
  }
  throw new Error(`${file} keeps changing hands`);
}

/** The living owner of a folder. */
export function readOwner(folder: string): Owner | undefined {
  const owner = readFile(lockFile(folder));
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

function held(file: string, me: Owner): Lock {
  return {
    announce(adminUrl) {
      const draft = `${file}.${me.id}`;
      writeFileSync(draft, JSON.stringify({ ...me, adminUrl }));
      renameSync(draft, file);
    },
    release() {
      if (readFile(file)?.id === me.id) unlinkSync(file);
    },
  };
}

/**
 * Of all who saw the dead owner one wins the grave's name, and removes the lock if it is still that owner's. False:
 * somebody else is at it.
 */
function bury(file: string, dead: Owner): boolean {
  const grave = graveOf(file, dead);
  if (!linked(file, grave)) return false;
  try {
    if (readFile(file)?.id === dead.id) unlinkSync(file);
  } finally {
    rmSync(grave, { force: true });
  }
  return true;
}

function graveOf(file: string, dead: Owner): string {
  return `${file}.dead.${dead.id}`;
}

function lockFile(folder: string): string {
  return `${folder}.lock`;
}

/** False if `to` exists or `from` has gone. A link appears whole or not at all. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST") || isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** A power cut can leave a lock without its content: nobody alive wrote that. */
const NOBODY: Owner = { pid: 0, start: "", adminUrl: undefined, id: "unreadable" };

function readFile(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Owner;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (error instanceof SyntaxError) return NOBODY;
    throw error;
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.pid === NOBODY.pid) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (!isErrno(error, "EPERM")) return false;
  }
  const start = startOf(owner.pid);
  return owner.start === "" || start === "" || owner.start === start;
}

/** Field 22 of /proc/<pid>/stat; "" where there is no such file. A process that only waits to be reaped has none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "ended" : (fields[19] ?? "");
  } catch {
    return "";
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code;
}
