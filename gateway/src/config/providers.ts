import type { OriginOptions } from "../lib/fetch.ts";
import { parseNetworks } from "../lib/networks.ts";
import { reach } from "../lib/reach.ts";
import { derivedKey } from "../lib/secrets.ts";
import { nameFault, type PlannedProvider, type ProviderRules } from "../providers/known.ts";
import { SettingsError } from "./environment.ts";
import type { ConfigFile } from "./file.ts";
import { keyFaults } from "./provider-keys.ts";
import type { Settings } from "./settings.ts";

const officialUrls = {
  openai: "https://api.openai.com/v1",
  anthropic: "https://api.anthropic.com",
  google: "https://generativelanguage.googleapis.com/v1beta/openai",
  groq: "https://api.groq.com/openai/v1",
  xai: "https://api.x.ai/v1",
} as const;

/** The providers that settings and configuration file switch on, in the order in which bare names try them. */
export function plannedProviders(settings: Settings, file: ConfigFile): readonly PlannedProvider[] {
  const timeouts = timeoutsOf(settings);
  const known = [
    ["openai", settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL],
    ["anthropic", settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_BASE_URL],
    ["google", settings.GEMINI_API_KEY, settings.GEMINI_BASE_URL],
    ["groq", settings.GROQ_API_KEY, settings.GROQ_BASE_URL],
    ["xai", settings.XAI_API_KEY, settings.XAI_BASE_URL],
  ] as const;
  const bySettings = known
    .filter(([, apiKey]) => apiKey !== undefined)
    .map(([name, apiKey, baseUrl]) => ({
      name,
      dialect: name === "anthropic" ? ("anthropic" as const) : ("openai" as const),
      apiKey,
      baseUrl: baseUrl ?? officialUrls[name],
      models: [],
      reportsStreamUsage: true,
      timeouts,
      source: "settings" as const,
    }));
  const byFile = Object.entries(file.providers).map(([name, row]) => ({
    name,
    dialect: row.dialect,
    apiKey: row.api_key ?? row.api_key_file,
    baseUrl: row.base_url.replace(/\/+$/, ""),
    models: row.models,
    reportsStreamUsage: row.reports_stream_usage,
    chatOutputLimit: row.output_limit,
    speaksResponses: row.speaks_responses,
    timeouts,
    source: "file" as const,
  }));
  return [...bySettings, ...byFile];
}

/** What the configuration says of providers, to the server and to the command line. Throws SettingsError. */
export function providerRules(
  settings: Settings,
  file: ConfigFile,
  secretKeys: readonly Uint8Array[],
): ProviderRules {
  const planned = plannedProviders(settings, file);
  const names = planned.map(({ name }) => name);
  const faults = [
    ...names.map(nameFault).filter((fault) => fault !== undefined),
    ...keyFaults(planned, new Set(Object.values(officialUrls))),
  ];
  if (faults.length > 0) throw new SettingsError(faults);
  if (new Set(names).size < names.length) throw new SettingsError(["two providers have the same name"]);
  return {
    planned,
    timeouts: timeoutsOf(settings),
    keys: secretKeys.map((key) => derivedKey(key, "provider-credentials")),
    reach: reach({ allowed: parseNetworks(settings.OUTBOUND_ALLOW_CIDRS).networks }),
    namedBy(name) {
      const alias = aliasTargets(file).find(({ provider }) => provider === name)?.alias;
      if (alias !== undefined) return `The alias ${alias}`;
      return settings.DEFAULT_PROVIDER === name ? "DEFAULT_PROVIDER" : undefined;
    },
  };
}

/** What each alias leads to. */
export function aliasTargets(file: ConfigFile) {
  return Object.entries(file.aliases).flatMap(([alias, { targets }]) =>
    targets.map(({ model }) => ({ alias, model, provider: model.slice(0, model.indexOf("/")) })),
  );
}

/** Of every provider, whoever says what it is. */
function timeoutsOf(settings: Settings): OriginOptions {
  return {
    connectTimeoutMs: settings.PROVIDER_CONNECT_TIMEOUT_SECONDS * 1000,
    headersTimeoutMs: settings.PROVIDER_HEADERS_TIMEOUT_SECONDS * 1000,
    bodyTimeoutMs: settings.PROVIDER_IDLE_TIMEOUT_SECONDS * 1000,
    connections: settings.PROVIDER_CONNECTIONS,
  };
}
