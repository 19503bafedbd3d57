#!/usr/bin/env node
import { scopesOfRole } from "./access/permissions.ts";
import { erasePersonal } from "./app.erasure.ts";
import { peppersOf, secretKeysOf } from "./app.people.ts";
import { openApp, type Running } from "./app.ts";
import { quotas } from "./calls/quotas.ts";
import { BY_OPERATOR, type CommandDeps, UsageError } from "./cli/command.ts";
import { diagnose, showDiagnosis } from "./cli/commands/doctor.ts";
import { type Actions, runDataCommand, runProgram } from "./cli/program.ts";
import { ownerOf, runRemotely, writeOperatorToken } from "./cli/remote.ts";
import { bookWith, filePlans, limitPlan } from "./config/config.ts";
import { environment, readSettings } from "./config/environment.ts";
import { type ConfigFile, readConfigFile } from "./config/file.ts";
import { providerRules } from "./config/providers.ts";
import { secretKeyOf } from "./config/secret-key.ts";
import type { Settings } from "./config/settings.ts";
import { loadPrices } from "./costs/prices.stored.ts";
import { issueApiKey } from "./identity/api-keys.ts";
import { hashGate } from "./identity/hash-gate.ts";
import { newKey } from "./identity/key.ts";
import { passwords } from "./identity/passwords.ts";
import { offerSetup } from "./identity/setup.ts";
import { raiseEpoch } from "./identity/users.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { TollgateError } from "./lib/errors.ts";
import { systemChance as chance } from "./lib/ids.ts";
import { derivedKey } from "./lib/secrets.ts";
import { allLimits } from "./limits/applicable.ts";
import { memoryCounters } from "./limits/counters.memory.ts";
import { holdPlan, planOf } from "./limits/plans.ts";
import { checksOf } from "./main.doctor.ts";
import { openStore, orClosed, withStore } from "./main.store.ts";
import { knownProviders } from "./providers/known.ts";
import { startSimulatedServer } from "./providers/simulated.server.ts";
import { loadProviders } from "./providers/stored.ts";
import { FolderInUse } from "./store/lock.ts";
import { migrate, migrateDown, migrationStatus } from "./store/migrate.ts";
import type { Store } from "./store/store.ts";
import { type Cause, changes } from "./telemetry/change.ts";
import { jsonLog } from "./telemetry/log.ts";

const out = (text: string) => void process.stdout.write(`${text}\n`);
const note = (text: string) => void process.stderr.write(`${text}\n`);

const actions: Actions = {
  serve: () => serve(environment),
  worker: () => serve({ ...environment, ROLE: "worker" }),
  async data(name, input) {
    const settings = readSettings(environment);
    const { TOLLGATE_URL: url, TOLLGATE_TOKEN: token } = settings;
    if (url !== undefined) {
      if (token === undefined) throw new UsageError("TOLLGATE_URL needs TOLLGATE_TOKEN");
      return runRemotely({ url, door: "admin", token }, name, input);
    }
    try {
      return await withStore(settings, async (store) => {
        await migrate(store);
        const file = readConfigFile(settings.CONFIG_FILE);
        return runDataCommand(commandDeps(settings, file, store), name, input);
      });
    } catch (error) {
      if (!(error instanceof FolderInUse) || error.owner.adminUrl === undefined) throw error;
      return runRemotely(ownerOf(settings.DATA_DIR, error.owner.adminUrl), name, input);
    }
  },
  migrate: (what, steps) =>
    withStore(readSettings(environment), async (store) => {
      if (what === "status") return migrationStatus(store);
      return what === "up" ? { applied: await migrate(store) } : { undone: await migrateDown(store, steps) };
    }),
  async doctor() {
    const settings = readSettings(environment);
    const diagnosis = await diagnose(settings, checksOf(settings));
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

async function serve(variables: typeof environment): Promise<void> {
  const settings = readSettings(variables);
  const file = readConfigFile(settings.CONFIG_FILE);
  const log = jsonLog(settings.LOG_LEVEL, clock, process.stdout);
  const { store, announce } = await openStore(settings);
  const operatorToken = announce === undefined ? undefined : newKey("it", chance);
  const { app, deps } = await orClosed(store, async () => {
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
  if (settings.ROLE !== "worker") await welcome(settings, deps, app.url);
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
async function welcome(settings: Settings, deps: CommandDeps, url: string): Promise<void> {
  const token = await offerSetup(deps);
  if (token === undefined) return;
  out(`\nWelcome to Tollgate, listening at ${url}\n`);
  out(`Set-up token, for POST /auth/setup and one administrator, shown once:\n\n  ${token}\n`);
  if (settings.DATABASE_URL !== undefined || settings.NODE_ENV === "production") return;
  const { key } = await issueApiKey(deps, FIRST_START, {
    userId: deps.defaultUser,
    name: "first key",
    scopes: [...scopesOfRole.developer],
    projectId: null,
    dailyQuota: null,
    expiresAt: null,
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

/** What a command finds wrong with its input is a fault of the request. */
async function runAsked(deps: CommandDeps, name: string, input: unknown): Promise<object> {
  try {
    return await runDataCommand(deps, name, input);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new TollgateError("VALIDATION_FAILED", { faults: [{ path: "", message: error.message }] });
  }
}

function commandDeps(settings: Settings, file: ConfigFile, { db, maintenance }: Store): CommandDeps {
  const secretKey = secretKeyOf(settings, chance);
  const pepper = peppersOf(settings, secretKey)[0]!;
  const secretKeys = secretKeysOf(settings, secretKey);
  const macKeys = secretKeys.map((key) => derivedKey(key, "audit-mac"));
  // Servers hear of the change by NOTIFY.
  const changing = { clock, chance, macKey: macKeys[0]!, raiseEpoch, announce: async () => {} };
  const plans = filePlans(file);
  const bookOf = bookWith(settings, file);
  const providing = providerRules(settings, file, secretKeys);
  // A user's own limits have nothing to do with addresses and devices.
  const rules = { ...limitPlan(settings, file), subjectOfAddress: () => "", subjectOfDevice: () => "" };
  return {
    by: BY_OPERATOR,
    db,
    maintenance,
    clock,
    chance,
    pepper,
    macKeys,
    change: changes({ ...changing, db }),
    longChange: changes({ ...changing, db: maintenance }),
    holdPlan: holdPlan(plans),
    planOf: planOf(plans),
    allLimits: (subject) => allLimits(rules, subject),
    // Of an embedded database whose server does not run, nothing is counted. Elsewhere servers hold the counters.
    counters: settings.DATABASE_URL === undefined ? memoryCounters({ clock }) : undefined,
    quotas: quotas({ db, clock }),
    bookOf,
    readPrices: async () => bookOf(await loadPrices(db)),
    providers: {
      ...providing,
      readProviders: async () => knownProviders(providing, await loadProviders(db)),
    },
    erasePersonal,
    passwords: passwords(hashGate({ running: 1, waiting: 8 })),
    defaultUser: settings.APP_AUTH_DEFAULT_USER,
  };
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
