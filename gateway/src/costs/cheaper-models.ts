import { modelNames, providerName, spelling } from "./names.ts";

/** Of a provider's family, the next cheaper model that does the same kind of work. */
const cheaperModels: readonly (readonly [provider: string, model: string, cheaper: string])[] = [
  ["anthropic", "claude-opus-4", "claude-sonnet-4"],
  ["anthropic", "claude-opus-4.1", "claude-sonnet-4"],
  ["anthropic", "claude-sonnet-4", "claude-haiku-4.5"],
  ["anthropic", "claude-sonnet-4.5", "claude-haiku-4.5"],
  ["openai", "gpt-5.1", "gpt-5-mini"],
  ["openai", "gpt-5", "gpt-5-mini"],
  ["openai", "gpt-5-mini", "gpt-5-nano"],
  ["openai", "gpt-4.1", "gpt-4.1-mini"],
  ["openai", "gpt-4.1-mini", "gpt-4.1-nano"],
  ["openai", "gpt-4o", "gpt-4o-mini"],
  ["google", "gemini-2.5-pro", "gemini-2.5-flash"],
  ["google", "gemini-2.5-flash", "gemini-2.5-flash-lite"],
  ["groq", "llama-3.3-70b", "llama-3.1-8b-instant"],
  ["xai", "grok-4", "grok-4-fast"],
];

const known: ReadonlyMap<string, string> = new Map(
  cheaperModels.map(([provider, model, cheaper]) => [`${provider}/${spelling(model)}`, cheaper]),
);

/** Undefined where nothing cheaper is known. Whether it is cheaper at the prices of now is for the caller to see. */
export function cheaperThan(provider: string, model: string): string | undefined {
  return modelNames(model)
    .map((name) => known.get(`${providerName(provider)}/${name}`))
    .find((cheaper) => cheaper !== undefined);
}
