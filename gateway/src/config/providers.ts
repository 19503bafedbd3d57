import type { OriginOptions } from "../lib/fetch.ts";
import type { OpenAiCompatibleOptions } from "../providers/openai.ts";
import type { ConfigFile } from "./file.ts";
import type { Settings } from "./settings.ts";

/** The providers that settings and configuration file switch on, in the order in which bare names try them. */
export function plannedProviders(settings: Settings, file: ConfigFile): readonly OpenAiCompatibleOptions[] {
  const timeouts: OriginOptions = {
    connectTimeoutMs: settings.PROVIDER_CONNECT_TIMEOUT_SECONDS * 1000,
    headersTimeoutMs: settings.PROVIDER_HEADERS_TIMEOUT_SECONDS * 1000,
    bodyTimeoutMs: settings.PROVIDER_IDLE_TIMEOUT_SECONDS * 1000,
    connections: settings.PROVIDER_CONNECTIONS,
  };
  const known = [
    ["openai", settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, "https://api.openai.com/v1"],
    [
      "google",
      settings.GEMINI_API_KEY,
      settings.GEMINI_BASE_URL,
      "https://generativelanguage.googleapis.com/v1beta/openai",
    ],
    ["groq", settings.GROQ_API_KEY, settings.GROQ_BASE_URL, "https://api.groq.com/openai/v1"],
    ["xai", settings.XAI_API_KEY, settings.XAI_BASE_URL, "https://api.x.ai/v1"],
  ] as const;
  const bySettings = known
    .filter(([, apiKey]) => apiKey !== undefined)
    .map(([name, apiKey, baseUrl, usual]) => ({
      name,
      apiKey,
      baseUrl: baseUrl ?? usual,
      models: [],
      reportsStreamUsage: true,
      timeouts,
    }));
  const byFile = Object.entries(file.providers).map(([name, row]) => ({
    name,
    apiKey: row.api_key ?? row.api_key_file,
    baseUrl: row.base_url.replace(/\/+$/, ""),
    models: row.models,
    reportsStreamUsage: row.reports_stream_usage,
    timeouts,
  }));
  return [...bySettings, ...byFile];
}
