import type { By } from "./access/hold.ts";
import { governedApps } from "./app.apps.ts";
import { type EngineOptions, openEngine } from "./app.engine.ts";
import { openEvents } from "./app.events.ts";
import { openJobs } from "./app.jobs.ts";
import { projectParts } from "./calls/project-parts.ts";
import type { ServerParts } from "./cli/command.ts";
import { pricedModels } from "./costs/prices.list.ts";
import type { Prices } from "./costs/prices.stored.ts";
import type { Access, Governed } from "./http/endpoint.ts";
import { endpointTable } from "./http/endpoints.ts";
import { pages } from "./http/pages.ts";
import { listen, newServer } from "./http/server.ts";
import { atMost } from "./lib/clock.ts";
import { derivedKey } from "./lib/secrets.ts";
import { allLimits } from "./limits/applicable.ts";
import type { Counters } from "./limits/limit.ts";
import type { Breakers } from "./providers/breakers.ts";
import type { Providers } from "./providers/known.ts";
import type { Change } from "./telemetry/change.ts";

/** The doors and decisions that an app is made with; `main.ts` gives the real ones, tests their own. */
export type AppOptions = Omit<EngineOptions, "operatorToken" | "queueDepth"> & {
  /** Runs commands of the command line: for administrators, and for whoever has the operator's token. */
  readonly commands?: {
    readonly run: (running: Running, name: string, input: unknown) => Promise<unknown>;
    readonly operatorToken?: string | undefined;
  };
};

/** What a command uses of a running app in place of what it would make for itself. */
export type Running = Pick<Prices, "readPrices"> & {
  readonly by: By;
  readonly change: Change;
  readonly counters: Counters;
  readonly breakers: Breakers;
  readonly providers: Providers;
  readonly server: ServerParts;
};

export type App = {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Every route there is. */
  readonly endpoints: readonly Governed[];
  readonly change: Change;
  /** Readiness falls, running calls finish within the timeout, everything is flushed. */
  close(): Promise<void>;
};

const STOP_SWEEP_MS = 50;
const SETTLE_AT_STOP_MS = 5_000;

/** Our own server: the engine, jobs, live events, the endpoint table and the apps that come with us. */
export async function openApp(options: AppOptions): Promise<App> {
  const { settings, file, secretKey, store, clock, commands } = options;
  const engine = await openEngine({
    ...options,
    operatorToken: commands?.operatorToken,
    queueDepth: () => jobs.queueDepth(),
  });
  const { metrics, trouble, people, limits, peppers, prices, providers, alerts, breakers } = engine;
  const { counters, fallback, paying, runDeps, asking } = engine;
  const { change } = people;
  const { readPrices } = prices;
  const live = await openEvents({
    settings,
    store,
    clock,
    entering: engine.governing,
    metrics,
    trouble,
  });
  const jobs = openJobs({
    ...people,
    ...alerts,
    ...asking,
    settings,
    file,
    store,
    clock,
    payers: paying,
    ask: engine.ask,
    metrics,
    trouble,
  });

  const parts: ServerParts = {
    cooldowns: { counters, fallback, subjectOfAddress: people.subjectOfAddress },
    decisions: {
      ...asking,
      counters,
      usedToday: limits.quotas.usedToday,
      payers: paying,
      limitsOf: limits.limitsOf,
    },
    jobs: { ...jobs, announce: alerts.announce },
  };
  const endpoints = endpointTable({
    ...runDeps,
    ...people,
    ...alerts,
    live,
    ...jobs,
    maintenance: store.maintenance,
    pepper: peppers[0]!,
    peppers,
    ...asking,
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
    readiness: engine.readiness,
    runCommand:
      commands === undefined
        ? undefined
        : (by, name, input) =>
            commands.run(
              { by, change, counters, readPrices, breakers, providers, server: parts },
              name,
              input,
            ),
  })
    .filter(({ exists }) => exists !== false)
    .filter(({ path, access }) => settings.ROLE !== "worker" || isForWorkers(path, access));
  const absent = new Set<Access["credential"]>();
  if (settings.INTERNAL_API_TOKEN === undefined) absent.add("internal");
  if (commands?.operatorToken === undefined) absent.add("operator");
  const { app: server, rows } = await newServer({
    ...engine.governing,
    bodyLimitBytes: settings.BODY_LIMIT_BYTES,
    aiBodyLimitBytes: settings.AI_BODY_LIMIT_BYTES,
    absent,
    endpoints,
    addApps: settings.ROLE === "worker" ? async () => {} : governedApps(engine),
  });

  const url = await listen(server, settings.HOST, settings.PORT);
  jobs.work();
  return {
    url,
    endpoints: rows,
    change,
    async close() {
      engine.beginStop();
      const silent = live.close();
      const finished = server.close();
      // A connection that falls idle during the stop would wait for its next request until its keep-alive ends, and one
      // that never sent anything is not even idle.
      const stopSweeping = clock.every(STOP_SWEEP_MS, () => {
        if (limits.pressure.inFlight() === 0) server.server.closeAllConnections();
        else server.server.closeIdleConnections();
      });
      const graceMs = settings.SHUTDOWN_TIMEOUT_SECONDS * 1000;
      await Promise.all([atMost(clock, graceMs, finished), jobs.close(graceMs)]);
      engine.stopCalls();
      await atMost(clock, SETTLE_AT_STOP_MS, finished);
      server.server.closeAllConnections();
      stopSweeping();
      await silent;
      await engine.close();
    },
  };
}

/** A process that only does jobs answers who watches it, and the command line. */
function isForWorkers(path: string, { credential }: Access): boolean {
  return credential === "operator" || ["/healthz", "/readyz", "/metrics"].includes(path);
}
