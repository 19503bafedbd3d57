import type { RatesPerMillion } from "./rates.ts";

export type ShippedPrice = {
  readonly provider: string;
  readonly model: string;
  readonly rates: RatesPerMillion;
  /** Other names of the same model. Dots, capitals dates and `models/` are dealt with by `modelNames`. */
  readonly aliases: readonly string[];
};

/**
 * The shipped price book (C3), USD per million tokens. Input and output are the contract's; what is read from and
 * written to a cache, and audio, cost the input rate times the public catalogue's ratio of that kind to plain input, or
 * the input rate where the catalogue has none.
 */
export const shippedPrices: readonly ShippedPrice[] = [
  {
    provider: "anthropic",
    model: "claude-sonnet-4",
    rates: {
      input: "3.00",
      cachedInput: "0.30",
      cacheWrite5m: "3.75",
      cacheWrite1h: "6.00",
      output: "15.00",
    },
    aliases: ["claude-sonnet-4-0", "claude-4-sonnet"],
  },
  {
    provider: "anthropic",
    model: "claude-haiku-4.5",
    rates: {
      input: "0.25",
      cachedInput: "0.025",
      cacheWrite5m: "0.3125",
      cacheWrite1h: "0.50",
      output: "1.25",
    },
    aliases: ["claude-4.5-haiku"],
  },
  {
    provider: "openai",
    model: "gpt-5.1",
    rates: { input: "10.00", cachedInput: "1.00", output: "30.00" },
    aliases: ["gpt-5.1-chat"],
  },
  {
    provider: "google",
    model: "gemini-2.5-flash",
    rates: {
      input: "0.075",
      cachedInput: "0.0075",
      audioInput: "0.25",
      cachedAudioInput: "0.025",
      output: "0.30",
    },
    aliases: [],
  },
  {
    provider: "groq",
    model: "llama-3.3-70b",
    rates: { input: "0.59", output: "0.79" },
    aliases: ["llama-3.3-70b-versatile"],
  },
  {
    provider: "xai",
    model: "grok-4-1-fast",
    rates: { input: "5.00", cachedInput: "1.25", output: "15.00" },
    aliases: ["grok-4-1-fast-reasoning", "grok-4-1-fast-non-reasoning"],
  },
];

/** What a model in no book costs, unless the settings COST_* say otherwise (C2). */
export const defaultRates: RatesPerMillion = { input: "0.20", cachedInput: "0.05", output: "0.50" };

/** Other names under which a provider's prices are asked for. */
export const providerAliases: Readonly<Record<string, string>> = {
  "x-ai": "xai",
  gemini: "google",
  sim: "simulated",
};
