import { openAlerts } from "./app.alerts.ts";
import { providerBreakers } from "./app.breakers.ts";
import { openCosts } from "./app.costs.ts";
import { openCounters, openLimits } from "./app.limits.ts";
import { openPeople, peppersOf, secretKeysOf } from "./app.people.ts";
import { openProviders } from "./app.providers.ts";
import { asker } from "./calls/ask.ts";
import { askerInPieces } from "./calls/ask-in-pieces.ts";
import { countSettled } from "./calls/count.ts";
import { payers } from "./calls/payer.ts";
import type { RouteDeps } from "./calls/route.ts";
import type { RunDeps } from "./calls/run.ts";
import { callStops } from "./calls/stops.ts";
import { filePlans, trustedProxies } from "./config/config.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import { usualModel } from "./config/usual-model.ts";
import { budgetsById } from "./costs/budgets.read.ts";
import { priceOf } from "./costs/prices.ts";
import type { GovernDeps } from "./http/govern.ts";
import { readinessOf } from "./http/readiness.ts";
import { sweepSessions } from "./identity/sessions.ts";
import { watchEpochs } from "./identity/watch-epochs.ts";
import type { Clock } from "./lib/clock.ts";
import type { Chance } from "./lib/ids.ts";
import { derivedKey, secretMatcher } from "./lib/secrets.ts";
import { EPOCH_KEY } from "./limits/applicable.ts";
import type { Store } from "./store/store.ts";
import { anchorAudit } from "./telemetry/audit.anchor.ts";
import type { Log } from "./telemetry/log.ts";
import { newMetrics } from "./telemetry/metrics.ts";
import { troubleLog } from "./telemetry/trouble.ts";

export type EngineOptions = {
  readonly settings: Settings;
  readonly file: ConfigFile;
  readonly secretKey: Uint8Array;
  /** Open and migrated; the engine closes it. */
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  /** Opens the operator's endpoint, where there is one. */
  readonly operatorToken?: string | undefined;
  /** Jobs that wait for a worker: what pressure asks for. */
  readonly queueDepth?: () => number;
};

const LAST_USE_FLUSH_MS = 10_000;
const SESSION_SWEEP_MS = 3_600_000;
const SETTLE_AT_STOP_MS = 5_000;

export type Engine = Awaited<ReturnType<typeof openEngine>>;

/**
 * All that governs calls, whoever serves them: our own server or an app that registers the plugin. If it throws, it has
 * closed what it had opened; the store is left to whoever gave it.
 */
export async function openEngine(options: EngineOptions) {
  const closing = new AsyncDisposableStack();
  try {
    return await openParts(options, closing);
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

/** Every part gets the narrow things it uses, and they meet here and in `calls/`. They are closed last first. */
async function openParts(options: EngineOptions, closing: AsyncDisposableStack) {
  const { settings, file, secretKey, store, clock, chance, log } = options;
  const { db } = store;
  const metrics = newMetrics({
    callsInFlight: () => money.inFlight(),
    breakers: () => breakers.seen(),
    breakersAreShared: () => breakers.isShared(),
  });
  const tell = troubleLog({ log, clock });
  const trouble = (what: string) => (error: unknown) => tell(what, error);

  const counting = await openCounters({ settings, db, clock });
  closing.defer(counting.close);
  const { counters, fallback } = counting;
  // The audit log is read once everything is open, and again when nothing writes to it any more.
  const anchor = closing.use(new AsyncDisposableStack());
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
  const { identifier: identities } = people;
  closing.defer(() => identities.flushLastUse().catch(trouble("last use not written")));
  const limits = openLimits({
    ...people,
    settings,
    file,
    counting,
    log,
    metrics,
    queueDepth: options.queueDepth ?? (() => 0),
    trouble,
  });
  closing.defer(() => limits.close().catch(trouble("daily counts not written")));
  const peppers = peppersOf(settings, secretKey);
  const pepper = peppers[0]!;
  const forgetEpochs = await watchEpochs({
    store,
    clock,
    identifier: identities,
    raise: (epoch) => counters.raiseEpoch(EPOCH_KEY, epoch),
    onTrouble: trouble("epoch not read"),
  });
  closing.defer(forgetEpochs);

  const secretKeys = secretKeysOf(settings, secretKey);
  const routing = await openProviders({ settings, file, secretKeys, store, clock, log, trouble });
  closing.defer(routing.close);
  const { providers, routes } = routing;
  const costs = await openCosts({
    settings,
    file,
    store,
    clock,
    chance,
    change: people.longChange,
    log,
    metrics,
    trouble,
  });
  const { prices, money } = costs;
  closing.defer(async () => {
    await costs.stop();
    const unsettled = await money.close(SETTLE_AT_STOP_MS);
    if (unsettled > 0) log.error({ unsettled }, "calls not settled; their reservations will expire");
  });
  const alerts = openAlerts({ settings, secretKey, store, clock, chance, log, metrics, trouble });
  closing.defer(alerts.close);
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
  closing.defer(breakers.close);
  const paying = payers({ db, clock });
  const stops = callStops();
  const runDeps: RunDeps = {
    clock,
    budgetIdsOf: ({ principal, projectId }, afresh) => paying.budgetIdsOf(principal, projectId, afresh),
    budgetOf: async (id) => (await budgetsById(db, [id], clock.now()))[0],
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

  const asking: RouteDeps = { routes, prices: prices.prices, chance };
  anchor.defer(
    await anchorAudit({
      db,
      clock,
      log,
      macKey: derivedKey(secretKey, "audit-mac"),
      file: settings.AUDIT_CHECKPOINT_FILE,
      everyMs: settings.AUDIT_CHECKPOINT_SECONDS * 1000,
      onTrouble: trouble("audit checkpoint not written"),
    }),
  );
  closing.defer(
    clock.every(SESSION_SWEEP_MS, () => sweepSessions(db, clock.now()).catch(trouble("sessions not swept"))),
  );
  closing.defer(
    clock.every(LAST_USE_FLUSH_MS, () => identities.flushLastUse().catch(trouble("last use not written"))),
  );
  const governing: GovernDeps = {
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
    isInternal: secretMatcher(settings.INTERNAL_API_TOKEN, pepper),
    isOperator: secretMatcher(options.operatorToken, pepper),
    metricsArePublic: settings.METRICS_PUBLIC,
  };
  let isStopping = false;
  return {
    settings,
    store,
    clock,
    chance,
    metrics,
    trouble,
    counters,
    fallback,
    people,
    limits,
    peppers,
    prices,
    providers,
    alerts,
    breakers,
    paying,
    runDeps,
    asking,
    ask: asker({ ...runDeps, ...asking }),
    askInPieces: askerInPieces({ ...runDeps, ...asking }),
    /** Of apps whose calls name no model. */
    usualModel: () => settings.APP_MODEL ?? usualModel(routes().fallback),
    governing,
    readiness: () => readinessOf({ db, counters, breakers, isStopping }),
    /** Readiness falls. */
    beginStop() {
      isStopping = true;
    },
    /** Ends the calls that still run: each is settled with what was seen. */
    stopCalls: stops.all,
    /** Flushes everything; whoever serves must have stopped. */
    close: () => closing.disposeAsync().finally(store.close),
  };
}
