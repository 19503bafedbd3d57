import { scopesOfRole } from "./access/permissions.ts";
import { openApp, type Running } from "./app.ts";
import { type CommandDeps, UsageError } from "./cli/command.ts";
import { runDataCommand } from "./cli/program.ts";
import { writeOperatorToken } from "./cli/remote.ts";
import { environment, readSettings } from "./config/environment.ts";
import { type ConfigFile, readConfigFile } from "./config/file.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import type { Settings } from "./config/settings.ts";
import { usualModel } from "./config/usual-model.ts";
import { issueApiKey } from "./identity/api-keys.ts";
import { newKey } from "./identity/key.ts";
import { offerSetup } from "./identity/setup.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { TollgateError } from "./lib/errors.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { commandDeps } from "./main.deps.ts";
import { requireFreePort } from "./main.port.ts";
import { note, out, stopSignal } from "./main.process.ts";
import { openStore, orClosed } from "./main.store.ts";
import { migrate } from "./store/migrate.ts";
import type { Cause } from "./telemetry/change.ts";
import { jsonLog } from "./telemetry/log.ts";

export type ServeOptions = {
  /** In place of the setting ROLE. */
  readonly role?: "worker";
  /** The welcome too is a line of JSON, as every line of the log is. */
  readonly json?: boolean;
};

/** Runs a server until it is told to stop. */
export async function serve({ role, json = false }: ServeOptions): Promise<void> {
  const settings = readSettings(role === undefined ? environment : { ...environment, ROLE: role });
  const file = readConfigFile(settings.CONFIG_FILE);
  const log = jsonLog(settings.LOG_LEVEL, clock, process.stdout);
  const { store, announce } = await openStore(settings);
  const operatorToken = announce === undefined ? undefined : newKey("it", chance);
  const { app, deps } = await orClosed(store, async () => {
    await requireFreePort(settings);
    const secretKey = secretKeyOf(settings, chance);
    await migrate(store);
    const deps = commandDeps(settings, file, store);
    const commands = {
      operatorToken,
      run: (running: Running, name: string, input: unknown) => runAsked({ ...deps, ...running }, name, input),
    };
    return {
      app: await openApp({ settings, file, secretKey, store, clock, chance, log, commands }),
      deps,
    };
  });
  const forgetToken =
    operatorToken === undefined ? () => {} : writeOperatorToken(settings.DATA_DIR, operatorToken);
  announce?.(app.url);
  if (settings.ROLE !== "worker") await welcome({ settings, file, deps }, app.url, json);
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

const FIRST_START: Cause = { actor: { type: "system", id: "first start" } };

/** At the very first start: the set-up token, and on the embedded default a first key with a request to try. */
async function welcome(
  { settings, file, deps }: { settings: Settings; file: ConfigFile; deps: CommandDeps },
  url: string,
  json: boolean,
): Promise<void> {
  const token = await offerSetup(deps);
  if (token === undefined) {
    if (process.stdout.isTTY && !json) note(`Tollgate at ${url}; Ctrl-C stops it`);
    return;
  }
  const key = await firstKey(settings, deps);
  if (json) return out(JSON.stringify({ url, setup_token: token, key: key ?? null }));
  out(`\nWelcome to Tollgate, listening at ${url}\n`);
  out(`Set-up token, for POST /auth/setup and one administrator, shown once:\n\n  ${token}\n`);
  if (key === undefined) return;
  out(`First API key, shown once:\n\n  ${key}\n`);
  out(`Try it:\n\n${exampleRequest(url, key, await exampleModel(settings, file, deps))}\n`);
}

async function firstKey(settings: Settings, deps: CommandDeps): Promise<string | undefined> {
  if (settings.DATABASE_URL !== undefined || settings.NODE_ENV === "production") return undefined;
  const { key } = await issueApiKey(deps, FIRST_START, {
    userId: deps.defaultUser,
    name: "first key",
    scopes: [...scopesOfRole.developer],
    projectId: null,
    dailyQuota: null,
    expiresAt: null,
  });
  return key;
}

/** A model that is answered here. */
async function exampleModel(settings: Settings, file: ConfigFile, deps: CommandDeps): Promise<string> {
  const [alias] = Object.keys(file.aliases);
  if (alias !== undefined) return alias;
  const known = await deps.providers.readProviders();
  const { name, upstream } = known.find((each) => each.name === settings.DEFAULT_PROVIDER) ?? known[0]!;
  const models = upstream?.models ?? [];
  return usualModel({ name, simulated: upstream === undefined, models }) ?? `${name}/MODEL`;
}

function exampleRequest(url: string, key: string, model: string): string {
  const body = JSON.stringify({
    model,
    messages: [{ role: "user", content: "Hello, Tollgate!" }],
  });
  return [
    `curl ${url}/v1/chat/completions \\`,
    `  -H 'Authorization: Bearer ${key}' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d '${body}'`,
  ].join("\n");
}

/** What a command finds wrong with its input is a fault of the request. */
async function runAsked(deps: CommandDeps, name: string, input: unknown): Promise<object> {
  try {
    return await runDataCommand(deps, name, input);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new TollgateError("VALIDATION_FAILED", {
      faults: error.faults ?? [{ path: "", message: error.message }],
    });
  }
}
