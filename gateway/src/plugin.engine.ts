import type { FastifyInstance } from "fastify";
import { type Engine, openEngine } from "./app.engine.ts";
import { readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { openStore, orClosed } from "./main.store.ts";
import { migrate } from "./store/migrate.ts";
import { jsonLog, type Log, logInto } from "./telemetry/log.ts";

const STOP_SWEEP_MS = 50;

/**
 * What governs an app that registers the plugin: its own, by these settings. It is closed with the app, also if the app
 * does not wait for it or fails to start. Throws SettingsError, FolderInUse.
 */
export async function openEngineWith(
  app: FastifyInstance,
  variables: Readonly<Record<string, string | undefined>>,
  logger: Log | undefined,
): Promise<Engine> {
  const opening = openEngineFor(variables, logger);
  let engine: Engine | undefined;
  let end = (): void => {};
  app.addHook("preClose", async () => {
    if (engine !== undefined) end = beginStop(app, engine);
  });
  app.addHook("onClose", async () => {
    end();
    if (engine !== undefined) return close(engine);
    // The app has not waited for it, and Fastify does not wait for it either.
    opening.then(close).catch(() => {});
  });
  engine = await opening;
  return engine;
}

async function close(engine: Engine): Promise<void> {
  engine.stopCalls();
  await engine.close();
}

async function openEngineFor(
  variables: Readonly<Record<string, string | undefined>>,
  logger: Log | undefined,
): Promise<Engine> {
  const settings = readSettings(variables);
  const file = readConfigFile(settings.CONFIG_FILE);
  const log = logger === undefined ? jsonLog(settings.LOG_LEVEL, clock, process.stdout) : logInto(logger);
  if (settings.TRUSTED_PROXIES.length > 0) {
    log.warn(
      {},
      "TRUSTED_PROXIES is for a server of ours: in this app Fastify's trustProxy says who is calling",
    );
  }
  const { store } = await openStore(settings);
  return orClosed(store, async () => {
    const secretKey = secretKeyOf(settings, chance);
    await migrate(store);
    return openEngine({ settings, file, secretKey, store, clock, chance, log });
  });
}

/** Fastify waits for the requests that still run: so long, and for no connection that has none. */
function beginStop({ server }: FastifyInstance, engine: Engine): () => void {
  engine.beginStop();
  const graceMs = engine.settings.SHUTDOWN_TIMEOUT_SECONDS * 1000;
  const callOff = engine.clock.after(graceMs, engine.stopCalls);
  const stopSweeping = engine.clock.every(STOP_SWEEP_MS, () => server.closeIdleConnections?.());
  return () => {
    callOff();
    stopSweeping();
  };
}
