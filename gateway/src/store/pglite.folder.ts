import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncPath, syncTree } from "./pglite.durable.ts";

/** The major version of PostgreSQL inside the pinned PGlite. Its folders are readable by no other. */
export const EMBEDDED_MAJOR = "18";

/** The folder cannot be opened as a database by this version. */
export class FolderUnusable extends Error {
  override readonly name = "FolderUnusable";
}

export function checkFolder(folder: string): void {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return;
  const versionFile = join(folder, "PG_VERSION");
  if (!existsSync(versionFile))
    throw new FolderUnusable(`${folder} is neither empty nor a database. Choose another folder.`);
  const major = readFileSync(versionFile, "utf8").trim();
  if (major !== EMBEDDED_MAJOR)
    throw new FolderUnusable(
      `${folder} was written by PostgreSQL ${major}; this version embeds ${EMBEDDED_MAJOR}. ` +
        "Export it with the version that wrote it, or choose another folder.",
    );
}

/** Makes the folder if there is no database yet: whole or not at all. The caller holds its lock. */
export async function createFolder(
  folder: string,
  durable: boolean,
  initialize: (path: string) => Promise<void>,
): Promise<void> {
  if (existsSync(join(folder, "PG_VERSION"))) return;
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await initialize(draft);
  if (durable) syncTree(draft);
  if (existsSync(folder)) rmdirSync(folder);
  renameSync(draft, folder);
  if (durable) syncPath(dirname(folder));
}
