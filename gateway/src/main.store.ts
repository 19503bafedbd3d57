import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Settings } from "./config/settings.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { type EmbeddedStore, openPglite } from "./store/pglite.ts";
import { openPostgres } from "./store/postgres.ts";
import type { Store } from "./store/store.ts";

/** The database that the settings name. Throws FolderInUse while another process has the embedded one. */
export async function openStore(
  settings: Settings,
): Promise<{ store: Store; announce?: EmbeddedStore["announce"] }> {
  if (settings.DATABASE_URL !== undefined) {
    return {
      store: await openPostgres({ url: settings.DATABASE_URL, poolSize: settings.DATABASE_POOL_SIZE, clock }),
    };
  }
  mkdirSync(settings.DATA_DIR, { recursive: true, mode: 0o700 });
  const store = await openPglite({ folder: databaseFolder(settings), clock, chance });
  return { store, announce: store.announce };
}

export function databaseFolder({ DATA_DIR }: Settings): string {
  return join(DATA_DIR, "database");
}

/** False in a folder where nothing was started yet. */
export function hasData(settings: Settings): boolean {
  return settings.DATABASE_URL !== undefined || existsSync(databaseFolder(settings));
}

/** A start that fails leaves the database closed. */
export async function orClosed<T>(store: Store, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the store for one piece of work. */
export async function withStore<T>(settings: Settings, work: (store: Store) => Promise<T>): Promise<T> {
  const { store } = await openStore(settings);
  return work(store).finally(() => store.close());
}
