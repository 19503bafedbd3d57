import { googleKeysOf, planFaults } from "./app.people.ts";
import { routeFaults } from "./app.providers.ts";
import { diagnose, showDiagnosis } from "./cli/commands/doctor.ts";
import type { Text } from "./cli/table.ts";
import { filePlans } from "./config/config.ts";
import { environment, readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { providerRules } from "./config/providers.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import type { Settings } from "./config/settings.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { databaseOf } from "./main.doctor.database.ts";
import { isPortTaken, requireFreePort } from "./main.port.ts";
import { databaseFolder, hasData } from "./main.store.ts";
import { knownProviders } from "./providers/known.ts";
import { loadProviders } from "./providers/stored.ts";
import { readOwner } from "./store/lock.ts";
import { openRedis } from "./store/redis.ts";

export type Checked = {
  readonly text: Text;
  readonly note: string;
  readonly result: object;
  readonly ok: boolean;
};

/** Tries everything that a start needs, and tells what it found. */
export async function doctor(): Promise<Checked> {
  const settings = readSettings(environment);
  await using database = databaseOf(settings);
  const result = await diagnose(settings, checksOf(settings, database));
  const ok = result.checks.every((check) => check.ok);
  return { result, text: showDiagnosis(result), note: lookedAt(settings), ok };
}

function lookedAt({ TOLLGATE_URL: url }: Settings): string {
  const here = "These are the settings of this shell and folder; a running server may have others.";
  return url === undefined
    ? here
    : `${here} Of the server at ${url}, which TOLLGATE_URL names, it says nothing.`;
}

/** What `doctor` tries: everything that a start needs. */
export function checksOf(
  settings: Settings,
  database: ReturnType<typeof databaseOf>,
): Readonly<Record<string, () => Promise<string>>> {
  const file = () => readConfigFile(settings.CONFIG_FILE);
  return {
    "configuration file": async () => {
      const { planned } = providerRules(settings, file(), []);
      return planned.length === 0 ? "simulated provider" : planned.map(({ name }) => name).join(", ");
    },
    "secret key": async () => {
      if (!hasData(settings) && settings.NODE_ENV !== "production")
        return "none yet: the first start makes it";
      secretKeyOf(settings, chance);
      return settings.SECRET_KEY === undefined ? `kept in ${settings.DATA_DIR}` : "SECRET_KEY";
    },
    database: database.state,
    aliases: () =>
      database.withFaults(async ({ db }) => {
        const rules = providerRules(settings, file(), []);
        return routeFaults(knownProviders(rules, await loadProviders(db)), settings, file());
      }, "every provider that is named is there"),
    plans: () =>
      database.withFaults(
        ({ db }) => planFaults(db, filePlans(file())),
        "every plan that is assigned is there",
      ),
    port: () => portOf(settings),
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

/** A server of ours that has the embedded database may have the port too. */
async function portOf(settings: Settings): Promise<string> {
  const { HOST, PORT, DATABASE_URL } = settings;
  const owner = DATABASE_URL === undefined ? readOwner(databaseFolder(settings)) : undefined;
  if (owner?.adminUrl !== undefined && new URL(owner.adminUrl).port === String(PORT)) {
    return `${PORT} is that of the server which runs`;
  }
  // Of a database server nobody can tell who else uses it.
  if (DATABASE_URL !== undefined && (await isPortTaken(settings))) {
    return `${PORT} at ${HOST} is taken: by a server of ours that runs already, or by another program`;
  }
  await requireFreePort(settings);
  return `${PORT} at ${HOST} is free`;
}
