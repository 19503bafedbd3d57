import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** What opens PostgreSQL or Redis for a test, or the embedded database in their place; and tests of theirs alone. */
const openers = /\/store\/testing\.ts$|\.(pg|redis)\.test\.ts$/;
const IMPORTS = /(?:from|import)\s*\(?\s*"(\.[^"]+\.ts)"/g;

/** Whether a test file, or what it imports, opens a store: only then does it test something else with services. */
export function meetsServices(file: string, seen: Set<string> = new Set()): boolean {
  if (openers.test(file)) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const imported = readFileSync(file, "utf8").matchAll(IMPORTS);
  return [...imported].some(([, path]) => meetsServices(resolve(dirname(file), path!), seen));
}
