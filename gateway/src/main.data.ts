import { runDataCommand } from "./cli/program.ts";
import type { Progress } from "./cli/progress.ts";
import { ownerOf, runRemotely, serverAt } from "./cli/remote.ts";
import { environment, readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { ensureUsers } from "./identity/users.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { commandDeps } from "./main.deps.ts";
import { hasData, openStore, orClosed, withStore } from "./main.store.ts";
import { FolderInUse } from "./store/lock.ts";
import { migrate, migrateDown, migrationStatus } from "./store/migrate.ts";

/** Where commands on the data run. */
export type Way = AsyncDisposable & { run(name: string, input: object): Promise<object> };

/** They need nothing that is there before. All others look at or change what a start, or one of these, has made. */
const BEGINS: ReadonlySet<string> = new Set([
  "keys issue",
  "projects create",
  "teams create",
  "users create",
  "users offer-setup",
  "plans set",
  "prices set",
  "providers set",
  "webhooks add",
]);

/**
 * At the server that `url` or TOLLGATE_URL names, inside the server that runs on the data folder, or else here. Throws
 * for a command, by its name, that needs data where there are none.
 */
export async function openWay(name: string, url: string | undefined): Promise<Way> {
  const settings = readSettings(environment);
  const named = serverAt({ url: url ?? settings.TOLLGATE_URL, token: settings.TOLLGATE_TOKEN });
  const remote = (server: Parameters<typeof runRemotely>[0]): Way => ({
    run: (name, input) => runRemotely(server, name, input),
    [Symbol.asyncDispose]: async () => {},
  });
  if (named !== undefined) return remote(named);
  if (!hasData(settings) && !BEGINS.has(name)) {
    throw new Error(
      `No data in ${settings.DATA_DIR} and no server there: run it in the server's folder, or set DATABASE_URL or TOLLGATE_URL`,
    );
  }
  try {
    const { store } = await openStore(settings);
    const deps = await orClosed(store, async () => {
      await migrate(store);
      await ensureUsers({ db: store.db, clock }, [settings.APP_AUTH_DEFAULT_USER]);
      return commandDeps(settings, readConfigFile(settings.CONFIG_FILE), store);
    });
    return {
      run: (name, input) => runDataCommand(deps, name, input),
      [Symbol.asyncDispose]: () => store.close(),
    };
  } catch (error) {
    if (!(error instanceof FolderInUse) || error.owner.adminUrl === undefined) throw error;
    return remote(ownerOf(settings.DATA_DIR, error.owner.adminUrl));
  }
}

export function runMigrations(
  what: "up" | "down" | "status",
  steps: number,
  onProgress: (progress: Progress) => void,
): Promise<object> {
  return withStore(readSettings(environment), async (store) => {
    if (what === "status") return migrationStatus(store);
    if (what === "down") return { undone: await migrateDown(store, steps) };
    const onApplied = (done: number, total: number) => onProgress({ done, total, what: "migrations" });
    return { applied: await migrate(store, undefined, onApplied) };
  });
}
