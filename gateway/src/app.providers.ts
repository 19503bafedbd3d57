import type { Routes } from "./calls/route.ts";
import { SettingsError } from "./config/environment.ts";
import type { ConfigFile } from "./config/file.ts";
import { aliasTargets, providerRules } from "./config/providers.ts";
import type { Settings } from "./config/settings.ts";
import type { Clock } from "./lib/clock.ts";
import { type KnownProvider, knownProviders, type Providers } from "./providers/known.ts";
import { providerOpener } from "./providers/opened.ts";
import { simulated } from "./providers/simulated.ts";
import { loadProviders, loadRemoved, PROVIDERS_CHANNEL } from "./providers/stored.ts";
import type { Store } from "./store/store.ts";
import type { Log } from "./telemetry/log.ts";

const POLL_MS = 2_000;

export type OpenProviders = {
  readonly providers: Providers;
  /** As they are now: asked anew for every call. */
  readonly routes: () => Routes;
  close(): Promise<void>;
};

/**
 * The providers that calls are sent to. What is stored is read again when NOTIFY tells of a change, and every two
 * seconds where such a message may be lost. Throws SettingsError for a configuration that names what there is not.
 */
export async function openProviders(deps: {
  readonly settings: Settings;
  readonly file: ConfigFile;
  /** SECRET_KEY, and the one before it. */
  readonly secretKeys: readonly Uint8Array[];
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly trouble: (what: string) => (error: unknown) => void;
}): Promise<OpenProviders> {
  const { settings, file, store, clock, log, trouble } = deps;
  const rules = providerRules(settings, file, deps.secretKeys);
  const aliases: Routes["aliases"] = new Map(Object.entries(file.aliases));
  const open = providerOpener({
    reach: rules.reach,
    builtIn: simulated({ clock }),
    onFault: (provider, fault) => log.error({ provider }, `provider is not asked: ${fault}`),
  });
  let turns = 0;
  let shown = 0;
  let routes: Routes;

  async function readProviders(): Promise<readonly KnownProvider[]> {
    const turn = ++turns;
    const known = knownProviders(rules, await loadProviders(store.db));
    const removed = await loadRemoved(store.db);
    // A slow read does not take back what a later one has found.
    if (turn > shown) {
      shown = turn;
      const providers = open(known);
      const [first] = providers.values();
      const fallback = providers.get(settings.DEFAULT_PROVIDER ?? "") ?? first!;
      routes = { providers, aliases, fallback, removed: new Set(removed) };
    }
    return known;
  }

  const faults = routeFaults(await readProviders(), settings, file);
  if (faults.length > 0) throw new SettingsError(faults);
  const readAgain = (): void => void readProviders().catch(trouble("providers not read"));
  const unlisten = await store.listen(PROVIDERS_CHANNEL, readAgain);
  const stopPolling = store.kind === "pglite" ? () => {} : clock.every(POLL_MS, readAgain);
  return {
    providers: { ...rules, readProviders },
    routes: () => routes,
    async close() {
      stopPolling();
      await unlisten();
      await Promise.all([...routes.providers.values()].map((provider) => provider.close()));
    },
  };
}

/** What aliases and DEFAULT_PROVIDER name that there is not: it stops the start. */
export function routeFaults(
  known: readonly KnownProvider[],
  settings: Settings,
  file: ConfigFile,
): readonly string[] {
  const names = new Set(known.map(({ name }) => name));
  const wanted = settings.DEFAULT_PROVIDER;
  return [
    ...aliasTargets(file)
      .filter(({ provider }) => !names.has(provider))
      .map(({ alias, model }) => `the alias ${alias} names ${model}, whose provider is not configured`),
    ...(wanted === undefined || names.has(wanted) ? [] : [`DEFAULT_PROVIDER=${wanted} is not configured`]),
  ];
}
