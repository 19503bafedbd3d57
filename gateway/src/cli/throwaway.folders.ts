import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readOwner } from "../store/lock.ts";

const NAME = "tollgate-throwaway-";

/** A folder that is named after this process, so that others can tell when nobody needs it any more. */
export function newFolder(place = tmpdir()): string {
  return mkdtempSync(join(place, `${NAME}${process.pid}-`));
}

export const dataOf = (folder: string): string => join(folder, "data");

/** Removes this user's folders of processes that were killed, once their servers have ended too. */
export function removeLeft(place = tmpdir()): void {
  for (const name of readdirSync(place)) {
    const pid = name.startsWith(NAME) ? /^\d+(?=-)/.exec(name.slice(NAME.length))?.[0] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const folder = join(place, name);
    try {
      const isOurs = lstatSync(folder).uid === process.getuid?.();
      const isFree = readOwner(join(dataOf(folder), "database")) === undefined;
      if (isOurs && isFree) rmSync(folder, { recursive: true, force: true });
    } catch {
      // It stays for the next one: what was asked for has nothing to do with it.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
