import { googleKeysOf } from "./app.people.ts";
import { diagnose, showDiagnosis } from "./cli/commands/doctor.ts";
import type { Text } from "./cli/table.ts";
import { environment, readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { plannedProviders } from "./config/providers.ts";
import type { Settings } from "./config/settings.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { withStore } from "./main.store.ts";
import { FolderInUse } from "./store/lock.ts";
import { migrationStatus } from "./store/migrate.ts";
import { openRedis } from "./store/redis.ts";
import type { Store } from "./store/store.ts";

/** Tries everything that a start needs, and tells what it found. */
export async function doctor(): Promise<{ text: Text; result: object; ok: boolean }> {
  const settings = readSettings(environment);
  const result = await diagnose(settings, checksOf(settings));
  return { result, text: showDiagnosis(result), ok: result.checks.every((check) => check.ok) };
}

/** What `doctor` tries: everything that a start needs. */
export function checksOf(settings: Settings): Readonly<Record<string, () => Promise<string>>> {
  return {
    "configuration file": async () => {
      const planned = plannedProviders(settings, readConfigFile(settings.CONFIG_FILE));
      return planned.length === 0 ? "simulated provider" : planned.map(({ name }) => name).join(", ");
    },
    database: () => databaseOf(settings),
    redis: async () => {
      if (settings.REDIS_URL === undefined) return "not used: limits are counted in this process";
      const redis = openRedis({ url: settings.REDIS_URL, clock });
      return redis
        .ping()
        .then(() => "answers")
        .finally(() => redis.close());
    },
    "google sign-in": async () => {
      const issuerKeys = googleKeysOf(settings, clock, () => {});
      if (issuerKeys === undefined) return "off: GOOGLE_CLIENT_IDS is not set";
      const { keys } = (await issuerKeys("")).jwks();
      if (keys.length === 0) throw new Error("the issuer has no keys: nobody could sign in");
      return `${keys.length} keys of the issuer read`;
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

async function databaseOf(settings: Settings): Promise<string> {
  try {
    return await withStore(settings, stateOf);
  } catch (error) {
    if (error instanceof FolderInUse)
      return `in use by process ${error.owner.pid}, as it is while the server runs`;
    throw error;
  }
}
