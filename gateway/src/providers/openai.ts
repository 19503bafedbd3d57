import { type OriginOptions, openOrigin } from "../lib/fetch.ts";
import type { Provider } from "./provider.ts";

export type OpenAiCompatibleOptions = {
  readonly name: string;
  /** With the version: `https://api.openai.com/v1`. */
  readonly baseUrl: string;
  /** Undefined for servers without credentials (Ollama, vLLM). */
  readonly apiKey: string | undefined;
  readonly models: readonly string[];
  readonly reportsStreamUsage: boolean;
  readonly timeouts: OriginOptions;
};

/** Headers of a client that may reach the provider. */
const PASSED_HEADERS: ReadonlySet<string> = new Set(["openai-beta", "idempotency-key"]);

/** Any server that speaks OpenAI's chat completions. Throws a TypeError on a bad base URL. */
export function openAiCompatible(options: OpenAiCompatibleOptions): Provider {
  const origin = openOrigin(options.baseUrl, options.timeouts);
  const own: Record<string, string> = { "content-type": "application/json", "user-agent": "tollgate" };
  if (options.apiKey !== undefined) own.authorization = `Bearer ${options.apiKey}`;
  return {
    name: options.name,
    simulated: false,
    dialect: "openai",
    reportsStreamUsage: options.reportsStreamUsage,
    models: options.models,
    send: ({ path, body, headers }, events) =>
      origin.send({ method: "POST", path, body, headers: { ...passed(headers), ...own } }, events),
    close: () => origin.close(),
  };
}

function passed(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (PASSED_HEADERS.has(lower)) kept[lower] = value;
  }
  return kept;
}
