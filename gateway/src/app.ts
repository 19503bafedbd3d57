import type { AddressInfo } from "node:net";
import type { Call } from "./calls/call.ts";
import { payers } from "./calls/payer.ts";
import { type Quotas, quotas } from "./calls/quotas.ts";
import type { RunDeps } from "./calls/run.ts";
import type { Routes } from "./calls/target.ts";
import { defaultRates, limitPlan, listedPrices, trustedProxies } from "./config/config.ts";
import { SettingsError } from "./config/environment.ts";
import type { ConfigFile } from "./config/file.ts";
import { plannedProviders } from "./config/providers.ts";
import type { Settings } from "./config/settings.ts";
import { expireReservations } from "./costs/expiry.ts";
import type { Settlement } from "./costs/ledger.ts";
import { loadPrices } from "./costs/prices.stored.ts";
import { type PriceBook, priceBook, pricedModels } from "./costs/prices.ts";
import { reservations } from "./costs/reserve.ts";
import { settlements } from "./costs/settle.ts";
import type { Access, Endpoint } from "./http/endpoint.ts";
import { endpointTable } from "./http/endpoints.ts";
import { newServer } from "./http/server.ts";
import { type Identifier, identifier } from "./identity/identify.ts";
import { type StaticTokens, staticTokens } from "./identity/static-tokens.ts";
import { EPOCH_CHANNEL, ensureUsers } from "./identity/users.ts";
import { type Clock, sleep } from "./lib/clock.ts";
import { type Chance, uuidv7 } from "./lib/ids.ts";
import { usdNumber } from "./lib/money.ts";
import { addressBucket } from "./lib/networks.ts";
import { derivedKey, hmacSha256, sameSecret } from "./lib/secrets.ts";
import { type Admission, type AppliedLimit, admit } from "./limits/admit.ts";
import { EPOCH_KEY, type LimitRules } from "./limits/applicable.ts";
import { arrears } from "./limits/arrears.ts";
import { memoryCounters } from "./limits/counters.memory.ts";
import { redisCounters } from "./limits/counters.redis.ts";
import type { Counters } from "./limits/limit.ts";
import { type QuotaMirror, quotaMirror } from "./limits/mirror.ts";
import { openAiCompatible } from "./providers/openai.ts";
import type { Provider } from "./providers/provider.ts";
import { simulated } from "./providers/simulated.ts";
import { openRedis } from "./store/redis.ts";
import type { Store } from "./store/store.ts";
import type { Log } from "./telemetry/log.ts";
import { type Metrics, newMetrics } from "./telemetry/metrics.ts";

/** The doors and decisions that an app is made with; `main.ts` gives the real ones, tests their own. */
export type AppOptions = {
  readonly settings: Settings;
  readonly file: ConfigFile;
  readonly secretKey: Uint8Array;
  /** Open and migrated; the app closes it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Opens the operator's endpoint to the command line. */
  readonly operator?: {
    readonly token: string;
    readonly runCommand: (name: string, input: unknown) => Promise<unknown>;
  };
};

export type App = {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly endpoints: readonly Endpoint[];
  /** Readiness falls, running calls finish within the timeout, everything is flushed. */
  close(): Promise<void>;
};

const EPOCH_POLL_MS = 500;
const LAST_USE_FLUSH_MS = 10_000;
const PRICES_REFRESH_MS = 10_000;
const SETTLE_AT_STOP_MS = 5_000;

/** The composition root: every part gets the narrow things it uses, and they meet here and in `calls/`. */
export async function openApp(options: AppOptions): Promise<App> {
  const { settings, file, secretKey, store, clock, chance, log, operator } = options;
  const { db } = store;
  const metrics = newMetrics();
  const trouble = (what: string) => (error: unknown) => log.error({ error }, what);
  const pepper = pepperOf(settings, secretKey);

  const tokens = tokensOf(settings, secretKey);
  await ensureUsers({ db, clock }, [...tokens.userIds, settings.APP_AUTH_DEFAULT_USER]);
  const identities = identifier({
    db,
    clock,
    pepper,
    tokens,
    onCache: (result) => metrics.keyCacheLookups.labels(result).inc(),
  });

  const counters = openCounters(settings, clock);
  const authority = quotas({ db, clock });
  const mirror = quotaMirror({ clock, write: authority.mirror });
  const takeLimits = limitDecision(settings, { clock, counters, authority, mirror });
  const forgetEpochs = await watchEpochs({
    store,
    clock,
    counters,
    identities,
    onTrouble: trouble("epoch not read"),
  });

  const readBook = async (): Promise<PriceBook> =>
    priceBook({
      operator: await loadPrices(db),
      configured: listedPrices(file),
      defaults: defaultRates(settings),
      unknown: settings.PRICE_UNKNOWN_POLICY,
    });
  let book = await readBook();

  const money = openMoney({
    store,
    clock,
    chance,
    log,
    metrics,
    ttlMs: settings.RESERVATION_TTL_SECONDS * 1000,
  });
  const routes = openRoutes(settings, file, clock);
  const paying = payers({ db, clock });
  const stops = new Set<() => void>();
  const runDeps: RunDeps = {
    clock,
    budgetIdsOf: ({ principal, projectId }) => paying.budgetIdsOf(principal, projectId),
    reserve: money.reserve,
    settle: money.settle,
    onStop(stop) {
      stops.add(stop);
      return () => stops.delete(stop);
    },
    onFirstByte: ({ target }: Call, elapsedMs) =>
      metrics.firstByteSeconds.labels(target.provider.name).observe(elapsedMs / 1000),
    onSettled: (settlement) => countSettled(metrics, settlement),
  };

  const timers = [
    clock.every(LAST_USE_FLUSH_MS, () =>
      identities.flushLastUse().catch(trouble("last use of keys not written")),
    ),
    clock.every(PRICES_REFRESH_MS, () =>
      readBook().then((read) => {
        book = read;
      }, trouble("prices not read")),
    ),
  ];
  let isDraining = false;
  const endpoints = endpointTable({
    ...runDeps,
    db,
    chance,
    pepper,
    routes,
    metrics,
    prices: () => book,
    payers: paying,
    listed: () => pricedModels(book),
    readiness: readiness({ store, counters, isDraining: () => isDraining }),
    runCommand: operator?.runCommand ?? (() => Promise.reject(new Error("there is no operator"))),
  });
  const absent = new Set<Access["credential"]>([
    ...(settings.INTERNAL_API_TOKEN === undefined ? (["internal"] as const) : []),
    ...(operator === undefined ? (["operator"] as const) : []),
  ]);
  const server = await newServer({
    clock,
    chance,
    log,
    metrics,
    identifier: identities,
    limitRules: limitRulesOf(settings, file, secretKey),
    admit: takeLimits,
    logCalls: settings.LOG_CALLS,
    trustedProxies: trustedProxies(settings),
    bodyLimitBytes: settings.BODY_LIMIT_BYTES,
    aiBodyLimitBytes: settings.AI_BODY_LIMIT_BYTES,
    isInternal: tokenCheck(settings.INTERNAL_API_TOKEN, pepper),
    isOperator: tokenCheck(operator?.token, pepper),
    metricsArePublic: settings.METRICS_PUBLIC,
    absent,
    endpoints,
  });
  await server.listen({ host: settings.HOST, port: settings.PORT });

  return {
    url: urlOf(server.server.address() as AddressInfo),
    endpoints: endpoints.filter(({ access }) => !absent.has(access.credential)),
    async close() {
      isDraining = true;
      const finished = server.close();
      await Promise.race([finished, sleep(clock, settings.SHUTDOWN_TIMEOUT_SECONDS * 1000)]);
      for (const stop of stops) stop();
      await Promise.race([finished, sleep(clock, SETTLE_AT_STOP_MS)]);
      server.server.closeAllConnections();
      for (const stop of timers) stop();
      await forgetEpochs();
      await money.close();
      await mirror.close().catch(trouble("daily counts not written"));
      await identities.flushLastUse().catch(trouble("last use of keys not written"));
      await Promise.all([...routes.providers.values()].map((provider) => provider.close()));
      await counters.close();
      await store.close();
    },
  };
}

export function pepperOf(settings: Settings, secretKey: Uint8Array): Uint8Array {
  const given = settings.API_KEY_PEPPER;
  return given === undefined ? derivedKey(secretKey, "apikey-pepper") : Buffer.from(given, "base64");
}

function tokensOf(settings: Settings, secretKey: Uint8Array): StaticTokens {
  const result = staticTokens(
    {
      map: settings.APP_AUTH_TOKEN_USER_MAP,
      legacy: settings.APP_AUTH_BEARER_TOKENS,
      defaultUser: settings.APP_AUTH_DEFAULT_USER,
    },
    derivedKey(secretKey, "static-token"),
  );
  if ("faults" in result) throw new SettingsError(result.faults);
  return result.tokens;
}

/** Compares digests, so the time says nothing about the token. */
function tokenCheck(expected: string | undefined, key: Uint8Array): (token: string) => boolean {
  if (expected === undefined) return () => false;
  const digest = hmacSha256(key, expected);
  return (token) => sameSecret(hmacSha256(key, token), digest);
}

function openCounters(settings: Settings, clock: Clock): Counters {
  if (settings.REDIS_URL === undefined) return memoryCounters({ clock });
  return redisCounters({ redis: openRedis({ url: settings.REDIS_URL, clock }) });
}

function limitDecision(
  settings: Settings,
  parts: { clock: Clock; counters: Counters; authority: Quotas; mirror: QuotaMirror },
): (limits: readonly AppliedLimit[]) => Promise<Admission> {
  const { clock, counters, authority, mirror } = parts;
  const deps = {
    counters,
    fallback: memoryCounters({ clock }),
    localShare: settings.RATE_LIMIT_LOCAL_SHARE_PERCENT / 100,
    failMode: settings.REDIS_FAIL_MODE,
    seedOf: authority.usedToday,
    quotas: authority,
    mirror,
    arrears: arrears({ clock }),
  };
  return (limits) => admit(deps, limits);
}

function limitRulesOf(settings: Settings, file: ConfigFile, secretKey: Uint8Array): LimitRules {
  const key = derivedKey(secretKey, "ratelimit-subject");
  return {
    ...limitPlan(settings, file),
    subjectOfAddress: memoized((address) => {
      return hmacSha256(key, addressBucket(address)).toString("base64url").slice(0, 16);
    }),
  };
}

const MEMOIZED = 10_000;

function memoized(work: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    if (known.size >= MEMOIZED) known.clear();
    const made = work(text);
    known.set(text, made);
    return made;
  };
}

/** A changed identity is heard of by NOTIFY; asking twice a second bounds the delay when that is lost. */
async function watchEpochs(deps: {
  store: Store;
  clock: Clock;
  counters: Counters;
  identities: Identifier;
  onTrouble: (error: unknown) => void;
}): Promise<() => Promise<void>> {
  const { store, clock, counters, identities, onTrouble } = deps;
  const unlisten = await store.listen(EPOCH_CHANNEL, (payload) => {
    const epoch = Number(payload);
    identities.noticeEpoch(epoch);
    counters.raiseEpoch(EPOCH_KEY, epoch).catch(onTrouble);
  });
  if (store.kind === "pglite") return unlisten;
  const stopPolling = clock.every(EPOCH_POLL_MS, () => identities.refreshEpoch().catch(onTrouble));
  return async () => {
    stopPolling();
    await unlisten();
  };
}

type Money = Pick<RunDeps, "reserve" | "settle"> & { close(): Promise<void> };

function openMoney(deps: {
  store: Store;
  clock: Clock;
  chance: Chance;
  log: Log;
  metrics: Metrics;
  ttlMs: number;
}): Money {
  const { store, clock, chance, log, metrics, ttlMs } = deps;
  const { db } = store;
  const instance = uuidv7(clock.now(), chance);
  const held = reservations({
    db,
    clock,
    instance,
    ttlMs,
    onTrouble: (error) => log.error({ error }, "reservations not extended"),
  });
  const settling = settlements({
    db,
    clock,
    onSettled: held.forget,
    onTrouble(error) {
      metrics.settleFailures.inc();
      log.error({ error }, "settlements not written; they are tried again");
    },
  });
  const onExpiryTrouble = (error: unknown) => log.error({ error }, "expired reservations not charged");
  const expire = () =>
    expireReservations(db, onExpiryTrouble).then(
      (count) => metrics.expiredReservations.inc(count),
      onExpiryTrouble,
    );
  const stopExpiry = clock.every(Math.min(15_000, ttlMs / 4), expire);
  void expire();
  return {
    async reserve(request) {
      const reserved = await held.reserve(request);
      metrics.callsInFlight.set(held.inFlight());
      if (!reserved.granted) metrics.budgetRefusals.inc();
      return reserved;
    },
    settle: settling.settle,
    async close() {
      stopExpiry();
      const left = await settling.drain(SETTLE_AT_STOP_MS);
      if (left > 0) log.error({ left }, "settlements not written; their reservations will expire");
      await held.close();
    },
  };
}

function openRoutes(settings: Settings, file: ConfigFile, clock: Clock): Routes {
  const planned: readonly Provider[] = plannedProviders(settings, file).map(openAiCompatible);
  const opened = planned.length > 0 ? planned : [simulated({ clock })];
  const providers = new Map(opened.map((provider) => [provider.name, provider]));
  const wanted = settings.DEFAULT_PROVIDER;
  const fallback = wanted === undefined ? opened[0]! : providers.get(wanted);
  if (fallback === undefined) throw new SettingsError([`DEFAULT_PROVIDER=${wanted} is not configured`]);
  return { providers, aliases: new Map(Object.entries(file.aliases)), fallback };
}

function countSettled(metrics: Metrics, settlement: Settlement): void {
  const { provider, outcome, usage, usageSource, costPico, latencyMs, price } = settlement;
  metrics.calls.labels(provider, outcome).inc();
  metrics.upstreamSeconds.labels(provider).observe(latencyMs / 1000);
  metrics.costUsd.labels(provider, usageSource).inc(usdNumber(costPico));
  if (price.source === "default") metrics.unpricedCalls.inc();
  if (usage === undefined) return;
  metrics.tokens.labels(provider, "input").inc(usage.input);
  metrics.tokens.labels(provider, "cached_input").inc(usage.cacheRead);
  metrics.tokens.labels(provider, "output").inc(usage.output);
}

function readiness(deps: { store: Store; counters: Counters; isDraining: () => boolean }) {
  return async () => {
    const database = deps.store.db.selectFrom("auth_state").select("id").execute();
    const [isDatabaseUp, areCountersUp] = await Promise.all([
      database.then(() => true).catch(() => false),
      deps.counters.healthy(),
    ]);
    const checks = { database: isDatabaseUp, counters: areCountersUp, accepting: !deps.isDraining() };
    return { ready: isDatabaseUp && checks.accepting, checks };
  };
}

function urlOf({ address, port, family }: AddressInfo): string {
  const host = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return `http://${family === "IPv6" && host === address ? `[${host}]` : host}:${port}`;
}
