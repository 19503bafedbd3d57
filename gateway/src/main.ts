import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { scopesOfRole } from "./access/permissions.ts";
import { openApp, pepperOf } from "./app.ts";
import { type CommandDeps, UsageError } from "./cli/command.ts";
import { diagnose, showDiagnosis } from "./cli/commands/doctor.ts";
import { type Actions, runDataCommand, runProgram } from "./cli/program.ts";
import { runRemotely, writeOperatorToken } from "./cli/remote.ts";
import { environment, readSettings } from "./config/environment.ts";
import { readConfigFile } from "./config/file.ts";
import { plannedProviders } from "./config/providers.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import type { Settings } from "./config/settings.ts";
import { issueApiKey } from "./identity/api-keys.ts";
import { newKey } from "./identity/key.ts";
import { offerSetup } from "./identity/setup.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { TollgateError } from "./lib/errors.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { startSimulatedServer } from "./providers/simulated.server.ts";
import { FolderInUse } from "./store/lock.ts";
import { migrate, migrateDown, migrationStatus } from "./store/migrate.ts";
import { type EmbeddedStore, openPglite } from "./store/pglite.ts";
import { openPostgres } from "./store/postgres.ts";
import { openRedis } from "./store/redis.ts";
import type { Store } from "./store/store.ts";
import { jsonLog } from "./telemetry/log.ts";

const out = (text: string) => void process.stdout.write(`${text}\n`);
const note = (text: string) => void process.stderr.write(`${text}\n`);

const actions: Actions = {
  serve,
  async data(name, input) {
    const settings = readSettings(environment);
    try {
      return await withStore(settings, async (store) => {
        await migrate(store);
        return runDataCommand(commandDeps(settings, store), name, input);
      });
    } catch (error) {
      if (!(error instanceof FolderInUse) || error.owner.adminUrl === undefined) throw error;
      return runRemotely({ url: error.owner.adminUrl, folder: settings.DATA_DIR }, name, input);
    }
  },
  migrate: (what, steps) =>
    withStore(readSettings(environment), async (store) => {
      if (what === "status") return migrationStatus(store);
      return what === "up" ? { applied: await migrate(store) } : { undone: await migrateDown(store, steps) };
    }),
  async doctor() {
    const settings = readSettings(environment);
    const diagnosis = await diagnose(settings, {
      "configuration file": async () => {
        const planned = plannedProviders(settings, readConfigFile(settings.CONFIG_FILE));
        return planned.length === 0 ? "simulated provider" : planned.map(({ name }) => name).join(", ");
      },
      database: () => databaseState(settings),
      redis: async () => {
        if (settings.REDIS_URL === undefined) return "not used: limits are counted in this process";
        const redis = openRedis({ url: settings.REDIS_URL, clock });
        return redis
          .ping()
          .then(() => "answers")
          .finally(() => redis.close());
      },
    });
    const ok = diagnosis.checks.every((check) => check.ok);
    return { ok, result: diagnosis, text: showDiagnosis(diagnosis) };
  },
  async sim(port) {
    const server = await startSimulatedServer({ port, log: (call) => out(JSON.stringify(call)) });
    note(`The simulated provider answers at ${server.baseUrl}`);
    await stopSignal();
    await server.close();
  },
};

async function serve(): Promise<void> {
  const settings = readSettings(environment);
  const file = readConfigFile(settings.CONFIG_FILE);
  const log = jsonLog(settings.LOG_LEVEL, clock, process.stdout);
  const { store, announce } = await openStore(settings);
  const operatorToken = newKey("it", chance);
  const { app, deps } = await orClosed(store, async () => {
    const secretKey = secretKeyOf(settings, chance);
    await migrate(store);
    const deps = commandDeps(settings, store);
    const operator = {
      token: operatorToken,
      runCommand: (name: string, input: unknown) => runForOperator(deps, name, input),
    };
    const parts = { settings, file, secretKey, store, clock, chance, log };
    return { app: await openApp(announce === undefined ? parts : { ...parts, operator }), deps };
  });
  const forgetToken =
    announce === undefined ? () => {} : writeOperatorToken(settings.DATA_DIR, operatorToken);
  announce?.(app.url);
  await welcome(settings, deps, app.url);
  log.info(
    { url: app.url, store: store.kind, redis: settings.REDIS_URL !== undefined },
    "Tollgate is listening",
  );
  await stopSignal();
  log.info({}, "stopping");
  forgetToken();
  await app.close();
  log.info({}, "stopped");
}

/** At the very first start: the set-up token, and on the embedded default a first key with a request to try. */
async function welcome(settings: Settings, deps: CommandDeps, url: string): Promise<void> {
  const token = await offerSetup(deps);
  if (token === undefined) return;
  out(`\nWelcome to Tollgate, listening at ${url}\n`);
  out(`Set-up token, for POST /auth/setup and one administrator, shown once:\n\n  ${token}\n`);
  if (settings.DATABASE_URL !== undefined || settings.NODE_ENV === "production") return;
  const { key } = await issueApiKey(deps, {
    userId: deps.defaultUser,
    name: "first key",
    scopes: [...scopesOfRole.developer],
    projectId: null,
    dailyQuota: null,
    expiresAt: null,
    createdBy: "first start",
  });
  out(`First API key, shown once:\n\n  ${key}\n`);
  out(`Try it:\n\n${exampleRequest(url, key)}\n`);
}

function exampleRequest(url: string, key: string): string {
  const body = JSON.stringify({
    model: "sim-echo",
    messages: [{ role: "user", content: "Hello, Tollgate!" }],
  });
  return [
    `curl ${url}/v1/chat/completions \\`,
    `  -H 'Authorization: Bearer ${key}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
  ].join("\n");
}

async function runForOperator(deps: CommandDeps, name: string, input: unknown): Promise<object> {
  try {
    return await runDataCommand(deps, name, input);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "", message: error.message }] });
  }
}

function commandDeps(settings: Settings, { db }: Store): CommandDeps {
  const pepper = pepperOf(settings, secretKeyOf(settings, chance));
  return { db, clock, chance, pepper, defaultUser: settings.APP_AUTH_DEFAULT_USER };
}

async function openStore(
  settings: Settings,
): Promise<{ store: Store; announce?: EmbeddedStore["announce"] }> {
  if (settings.DATABASE_URL !== undefined) {
    return {
      store: await openPostgres({ url: settings.DATABASE_URL, poolSize: settings.DATABASE_POOL_SIZE, clock }),
    };
  }
  mkdirSync(settings.DATA_DIR, { recursive: true, mode: 0o700 });
  const store = await openPglite({ folder: join(settings.DATA_DIR, "database"), clock, chance });
  return { store, announce: store.announce };
}

/** A start that fails leaves the database closed. */
async function orClosed<T>(store: Store, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function withStore<T>(settings: Settings, work: (store: Store) => Promise<T>): Promise<T> {
  const { store } = await openStore(settings);
  return work(store).finally(() => store.close());
}

async function databaseState(settings: Settings): Promise<string> {
  try {
    return await withStore(settings, async (store) => {
      const { applied, pending } = await migrationStatus(store);
      return `${store.kind}, ${applied.length} migrations applied, ${pending.length} pending`;
    });
  } catch (error) {
    if (error instanceof FolderInUse)
      return `in use by process ${error.owner.pid}, as it is while the server runs`;
    throw error;
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}

process.exitCode = await runProgram(process.argv.slice(2), actions, { out, note });
// A start that failed half-way has left connections behind; nothing waits for them.
if (process.exitCode !== 0) process.exit();
