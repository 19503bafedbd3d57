import { type Engine, openEngine } from "./app.engine.ts";
import { readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { openStore, orClosed } from "./main.store.ts";
import { migrate } from "./store/migrate.ts";
import { jsonLog } from "./telemetry/log.ts";

/** What governs an app that registers the plugin: its own, by these settings. Throws SettingsError, FolderInUse. */
export async function openEngineFor(
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Engine> {
  const settings = readSettings(variables);
  const file = readConfigFile(settings.CONFIG_FILE);
  const log = jsonLog(settings.LOG_LEVEL, clock, process.stdout);
  const { store } = await openStore(settings);
  return orClosed(store, async () => {
    const secretKey = secretKeyOf(settings, chance);
    await migrate(store);
    return openEngine({ settings, file, secretKey, store, clock, chance, log });
  });
}
