import { openAlerts } from "./app.alerts.ts";
import { providerBreakers } from "./app.breakers.ts";
import { openEvents } from "./app.events.ts";
import { openJobs } from "./app.jobs.ts";
import { openCounters, openLimits } from "./app.limits.ts";
import { openPeople, peppersOf, secretKeysOf } from "./app.people.ts";
import { openProviders } from "./app.providers.ts";
import { asker } from "./calls/ask.ts";
import { countSettled } from "./calls/count.ts";
import { payers } from "./calls/payer.ts";
import { projectParts } from "./calls/project-parts.ts";
import type { RunDeps } from "./calls/run.ts";
import { callStops } from "./calls/stops.ts";
import { bookWith, filePlans, trustedProxies } from "./config/config.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { keepLedgerDays } from "./costs/ledger-days.ts";
import { openMoney } from "./costs/money.ts";
import { pricedModels } from "./costs/prices.list.ts";
import { loadPrices, openPrices, type Prices } from "./costs/prices.stored.ts";
import { priceOf } from "./costs/prices.ts";
import type { Access, Endpoint } from "./http/endpoint.ts";
import { endpointTable } from "./http/endpoints.ts";
import { pages } from "./http/pages.ts";
import { readinessOf } from "./http/readiness.ts";
import { listen, newServer } from "./http/server.ts";
import { sweepSessions } from "./identity/sessions.ts";
import { watchEpochs } from "./identity/watch-epochs.ts";
import { atMost, type Clock } from "./lib/clock.ts";
import { type Chance, uuidv7 } from "./lib/ids.ts";
import { usdText } from "./lib/money.ts";
import { derivedKey, secretMatcher } from "./lib/secrets.ts";
import { allLimits, EPOCH_KEY } from "./limits/applicable.ts";
import type { Counters } from "./limits/limit.ts";
import type { Breakers } from "./providers/breakers.ts";
import type { Providers } from "./providers/known.ts";
import type { Store } from "./store/store.ts";
import { anchorAudit } from "./telemetry/audit.anchor.ts";
import type { Change } from "./telemetry/change.ts";
import type { Log } from "./telemetry/log.ts";
import { newMetrics } from "./telemetry/metrics.ts";
import { troubleLog } from "./telemetry/trouble.ts";

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
    readonly runCommand: (running: Running, name: string, input: unknown) => Promise<unknown>;
  };
};

/** What a command uses of a running app in place of what it would make for itself. */
export type Running = Pick<Prices, "readPrices"> & {
  readonly change: Change;
  readonly counters: Counters;
  readonly breakers: Breakers;
  readonly providers: Providers;
};

export type App = {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  readonly endpoints: readonly Endpoint[];
  readonly change: Change;
  /** Readiness falls, running calls finish within the timeout, everything is flushed. */
  close(): Promise<void>;
};

const LAST_USE_FLUSH_MS = 10_000;
const SESSION_SWEEP_MS = 3_600_000;
const PRICES_REFRESH_MS = 10_000;
const STOP_SWEEP_MS = 50;
const SETTLE_AT_STOP_MS = 5_000;

/** The composition root: every part gets the narrow things it uses, and they meet here and in `calls/`. */
export async function openApp(options: AppOptions): Promise<App> {
  const { settings, file, secretKey, store, clock, chance, log, operator } = options;
  const { db } = store;
  const metrics = newMetrics({
    callsInFlight: () => money.inFlight(),
    breakers: () => breakers.seen(),
    breakersAreShared: () => breakers.isShared(),
  });
  const tell = troubleLog({ log, clock });
  const trouble = (what: string) => (error: unknown) => tell(what, error);

  const counting = await openCounters({ settings, db, clock });
  const { counters, fallback } = counting;
  const people = await openPeople({
    settings,
    secretKey,
    db,
    maintenance: store.maintenance,
    clock,
    chance,
    filePlans: filePlans(file),
    counters,
    fallback,
    onCache: (result) => metrics.keyCacheLookups.labels(result).inc(),
    trouble,
  });
  const { change, identifier: identities } = people;
  const limits = openLimits({
    ...people,
    settings,
    file,
    counting,
    log,
    metrics,
    queueDepth: () => jobs.queueDepth(),
    trouble,
  });
  const peppers = peppersOf(settings, secretKey);
  const pepper = peppers[0]!;
  const forgetEpochs = await watchEpochs({
    store,
    clock,
    identifier: identities,
    raise: (epoch) => counters.raiseEpoch(EPOCH_KEY, epoch),
    onTrouble: trouble("epoch not read"),
  });

  const prices = await openPrices({ load: () => loadPrices(db), bookOf: bookWith(settings, file) });
  const { readPrices } = prices;
  const money = openMoney({
    db,
    clock,
    instance: uuidv7(clock.now(), chance),
    ttlMs: settings.RESERVATION_TTL_SECONDS * 1000,
    waitMs: settings.RESERVATION_WAIT_SECONDS * 1000,
    onExpired: (count) => metrics.expiredReservations.inc(count),
    onTrouble(what, error) {
      if (what === "settling") metrics.settleFailures.inc();
      tell(`${what} failed and is tried again`, error);
    },
  });

  const stopKeepingDays = keepLedgerDays({
    db: store.maintenance,
    clock,
    change: people.longChange,
    retentionDays: settings.LEDGER_RETENTION_DAYS,
    onClosed({ day, calls, costPico }) {
      metrics.closedDays.inc();
      log.info({ day, calls, costUsd: usdText(costPico) }, "day of the ledger closed");
    },
    onTrouble: trouble("days of the ledger not kept"),
  });

  const secretKeys = secretKeysOf(settings, secretKey);
  const routing = await openProviders({ settings, file, secretKeys, store, clock, log, trouble });
  const { providers, routes } = routing;
  const alerts = openAlerts({ settings, secretKey, db, clock, chance, log, metrics, trouble });
  const breakers = providerBreakers({
    settings,
    providers: () => [...routes().providers.keys()],
    counting,
    db,
    clock,
    chance,
    announce: alerts.announce,
    log,
    metrics,
    trouble,
  });
  const live = await openEvents({
    settings,
    store,
    clock,
    entering: { ...limits, identifier: identities },
    metrics,
    trouble,
  });
  const paying = payers({ db, clock });
  const stops = callStops();
  const runDeps: RunDeps = {
    clock,
    budgetIdsOf: ({ principal, projectId }, afresh) => paying.budgetIdsOf(principal, projectId, afresh),
    async reserve(request) {
      const reserved = await money.reserve(request);
      if (!reserved.granted) metrics.budgetRefusals.inc();
      return reserved;
    },
    settle: money.settle,
    onStop: stops.add,
    chance,
    breakers,
    topUp: money.topUp,
    priceOf: (provider, model) => priceOf(prices.prices(), provider, model, clock.now()),
    onFirstByte: ({ provider }, elapsedMs) =>
      metrics.firstByteSeconds.labels(provider.name).observe(elapsedMs / 1000),
    onSettled(settlement) {
      countSettled(metrics, settlement);
      alerts.spent(settlement.budgetIds);
    },
  };

  const asking = { routes, prices: prices.prices, chance };
  const jobs = openJobs({
    ...people,
    ...alerts,
    ...asking,
    settings,
    file,
    store,
    clock,
    payers: paying,
    ask: asker({ ...runDeps, ...asking }),
    metrics,
    trouble,
  });

  let isStopping = false;
  const endpoints = endpointTable({
    ...runDeps,
    ...people,
    ...alerts,
    live,
    ...jobs,
    maintenance: store.maintenance,
    pepper,
    peppers,
    chance,
    routes,
    providers,
    metrics,
    ...prices,
    breakers,
    payers: paying,
    listed: () => pricedModels(prices.prices()),
    pages: pages(derivedKey(secretKey, "cursor")),
    ...projectParts({ clock }),
    counters,
    fallback,
    quotas: limits.quotas,
    allLimits: (subject) => allLimits(limits.rules, subject),
    limitsOf: limits.limitsOf,
    readiness: () => readinessOf({ db, counters, breakers, isStopping }),
    runCommand: (name, input) =>
      operator === undefined
        ? Promise.reject(new Error("there is no operator"))
        : operator.runCommand({ change, counters, readPrices, breakers, providers }, name, input),
  })
    .filter(({ exists }) => exists !== false)
    .filter(({ path, access }) => settings.ROLE !== "worker" || isForWorkers(path, access));
  const absent = new Set<Access["credential"]>();
  if (settings.INTERNAL_API_TOKEN === undefined) absent.add("internal");
  if (operator === undefined) absent.add("operator");
  const server = await newServer({
    clock,
    chance,
    log,
    metrics,
    identifier: identities,
    ...limits,
    limitHeaderStyles: settings.RATE_LIMIT_HEADERS,
    corsOrigins: settings.CORS_ORIGINS,
    logCalls: settings.LOG_CALLS,
    trustedProxies: trustedProxies(settings),
    bodyLimitBytes: settings.BODY_LIMIT_BYTES,
    aiBodyLimitBytes: settings.AI_BODY_LIMIT_BYTES,
    isInternal: secretMatcher(settings.INTERNAL_API_TOKEN, pepper),
    isOperator: secretMatcher(operator?.token, pepper),
    metricsArePublic: settings.METRICS_PUBLIC,
    absent,
    endpoints,
  });

  const stopAnchoring = await anchorAudit({
    db,
    clock,
    log,
    macKey: derivedKey(secretKey, "audit-mac"),
    file: settings.AUDIT_CHECKPOINT_FILE,
    everyMs: settings.AUDIT_CHECKPOINT_SECONDS * 1000,
    onTrouble: trouble("audit checkpoint not written"),
  });
  const timers = [
    clock.every(SESSION_SWEEP_MS, () => sweepSessions(db, clock.now()).catch(trouble("sessions not swept"))),
    clock.every(LAST_USE_FLUSH_MS, () => identities.flushLastUse().catch(trouble("last use not written"))),
    clock.every(PRICES_REFRESH_MS, () => readPrices().catch(trouble("prices not read"))),
  ];
  const url = await listen(server, settings.HOST, settings.PORT);
  jobs.work();
  return {
    url,
    endpoints: endpoints.filter(({ access }) => !absent.has(access.credential)),
    change,
    async close() {
      isStopping = true;
      const silent = live.close();
      const finished = server.close();
      // A connection that falls idle during the stop would wait for its next request until its keep-alive ends, and one
      // that never sent anything is not even idle.
      timers.push(
        clock.every(STOP_SWEEP_MS, () => {
          if (limits.pressure.inFlight() === 0) server.server.closeAllConnections();
          else server.server.closeIdleConnections();
        }),
      );
      const graceMs = settings.SHUTDOWN_TIMEOUT_SECONDS * 1000;
      await Promise.all([atMost(clock, graceMs, finished), jobs.close(graceMs)]);
      stops.all();
      await atMost(clock, SETTLE_AT_STOP_MS, finished);
      server.server.closeAllConnections();
      for (const stop of timers) stop();
      await forgetEpochs();
      await stopKeepingDays();
      await breakers.close();
      await silent;
      await alerts.close();
      const unsettled = await money.close(SETTLE_AT_STOP_MS);
      if (unsettled > 0) log.error({ unsettled }, "calls not settled; their reservations will expire");
      await limits.close().catch(trouble("daily counts not written"));
      await identities.flushLastUse().catch(trouble("last use not written"));
      await stopAnchoring();
      await routing.close();
      await counting.close();
      await store.close();
    },
  };
}

/** A process that only does jobs answers who watches it, and the command line. */
function isForWorkers(path: string, { credential }: Access): boolean {
  return credential === "operator" || ["/healthz", "/readyz", "/metrics"].includes(path);
}
