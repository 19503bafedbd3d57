import type { Settings } from "./config/settings.ts";
import { hasData, openStore } from "./main.store.ts";
import { FolderInUse } from "./store/lock.ts";
import { migrationStatus } from "./store/migrate.ts";
import type { Store } from "./store/store.ts";

/** The database as a check may look at it: opened once for all of them, and not made by looking. */
export function databaseOf(settings: Settings) {
  let opened: Promise<Store> | undefined;
  const open = () => {
    opened ??= openStore(settings).then(({ store }) => store);
    return opened;
  };

  /** `why` there is nothing to look at, or not now. */
  async function look(): Promise<{ readonly store: Store } | { readonly why: string }> {
    if (!hasData(settings)) return { why: `none yet: the first start makes it in ${settings.DATA_DIR}` };
    try {
      return { store: await open() };
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
      return { why: `in use by process ${error.owner.pid}, as it is while the server runs` };
    }
  }

  return {
    async state(): Promise<string> {
      const found = await look();
      return "why" in found ? found.why : stateOf(found.store);
    },
    /** What stops a start, of what is stored. Throws an Error with all that `find` finds; else answers `fine`. */
    async withFaults(find: (store: Store) => Promise<readonly string[]>, fine: string): Promise<string> {
      const found = await look();
      if ("why" in found) return "not looked at, as the database is not";
      if ((await migrationStatus(found.store)).pending.length > 0)
        return "not looked at: migrations are pending";
      const faults = await find(found.store);
      if (faults.length > 0) throw new Error(faults.join("; "));
      return fine;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await opened?.then(
        (store) => store.close(),
        () => {},
      );
    },
  };
}

async function stateOf(store: Store): Promise<string> {
  const { applied, pending } = await migrationStatus(store);
  const migrations = `${store.kind}, ${applied.length} migrations applied, ${pending.length} pending`;
  if (applied.length === 0) return migrations;
  const { count } = await store.db
    .selectFrom("users")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("role", "=", "admin")
    .where("active", "=", true)
    .executeTakeFirstOrThrow();
  return `${migrations}, ${count === 0 ? "no administrator yet (tollgate users create)" : `administrators: ${count}`}`;
}
