import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRates, filePlans, limitPlan, listedPrices, trustedProxies } from "./config.ts";
import { readSettings } from "./environment.ts";
import type { ConfigFile } from "./file.ts";
import { plannedProviders } from "./providers.ts";

const emptyFile: ConfigFile = {
  providers: {},
  aliases: {},
  plans: {},
  limits: {},
  prices: {},
  operations: {},
};

test("without any setting the limits are those that were promised", () => {
  assert.deepEqual(limitPlan(readSettings({}), emptyFile), {
    windowMs: 60_000,
    perClassWindow: { capture: 20, query: 30, plan: 15 },
    assist: {
      userPerMinute: 20,
      userPerDay: 100,
      addressPerMinute: 60,
      keyPerMinute: 60,
      devicePerMinute: 30,
      devicePerDay: 200,
    },
    ways: {},
    modes: { rates: "enforce", quotas: "enforce", abuse: "enforce" },
    keyBucket: { perMinute: 600, burst: 600 },
    addressBucket: { perMinute: 1200, burst: 1200 },
  });
});

test("an empty setting switches its limit off, and zero stays a limit", () => {
  const settings = readSettings({
    RATE_LIMIT_CAPTURE_PER_WINDOW: "",
    RATE_LIMIT_CHAT_PER_WINDOW: "0",
    KEY_RATE_LIMIT_BURST: "",
    IP_RATE_LIMIT_PER_MINUTE: "0",
  });
  const { perClassWindow, keyBucket, addressBucket } = limitPlan(settings, emptyFile);
  assert.deepEqual(perClassWindow, { query: 30, plan: 15, chat: 0 });
  assert.deepEqual([keyBucket, addressBucket], [undefined, { perMinute: 0, burst: 1200 }]);
});

test("the configuration file's plans are known by any name, even one that every object has", () => {
  const limits = { requests_per_minute: 0, daily_requests: 9 };
  const found = filePlans({ ...emptyFile, plans: { gold: { limits } } });
  assert.deepEqual([found.get("gold"), found.get("constructor")], [limits, undefined]);
});

test("a trusted proxy that is no network stops the start", () => {
  assert.equal(trustedProxies(readSettings({ TRUSTED_PROXIES: "10.0.0.0/8" })).length, 1);
  assert.throws(
    () => readSettings({ TRUSTED_PROXIES: "10.0.0.0/8,1,true" }),
    /has "1", which is not a network[\s\S]*has "true", which is not a network/,
  );
});

test("a price's model may hold slashes; its provider is what stands before the first", () => {
  const prices = { "router/meta/llama": { input: "1", cached_input: "0.5", output: "2" } };
  assert.deepEqual(listedPrices({ ...emptyFile, prices }), [
    { provider: "router", model: "meta/llama", rates: { input: "1", cachedInput: "0.5", output: "2" } },
  ]);
});

test("a price of the file has every kind of usage, in each service tier", () => {
  const flex = { input: "0.5", output: "1", audio_input: "2" };
  const prices = {
    "openai/gpt-5*": { input: "1", web_search: "25", output: "2", service_tiers: { flex } },
  };
  assert.deepEqual(listedPrices({ ...emptyFile, prices })[0]?.rates, {
    input: "1",
    webSearch: "25",
    output: "2",
    serviceTiers: new Map([["flex", { input: "0.5", audioInput: "2", output: "1" }]]),
  });
});

test("a model in no book costs what the settings say", () => {
  assert.deepEqual(defaultRates(readSettings({})), { input: "0.20", cachedInput: "0.05", output: "0.50" });
});

test("providers are tried in a fixed order, those of the file last, each with its own address", () => {
  const settings = readSettings({
    XAI_API_KEY: "x",
    GROQ_API_KEY: "g",
    GEMINI_API_KEY: "m",
    OPENAI_API_KEY: "o",
    ANTHROPIC_API_KEY: "a",
    GROQ_BASE_URL: "http://127.0.0.1:9/v1/",
    PROVIDER_IDLE_TIMEOUT_SECONDS: "7",
  });
  const local = {
    dialect: "openai" as const,
    base_url: "http://127.0.0.1:11434/v1/",
    models: ["llama3"],
    reports_stream_usage: false,
    output_limit: "max_tokens" as const,
  };
  const planned = plannedProviders(settings, { ...emptyFile, providers: { local } });
  assert.deepEqual(
    planned.map(({ name, baseUrl, apiKey }) => [name, baseUrl, apiKey]),
    [
      ["openai", "https://api.openai.com/v1", "o"],
      ["anthropic", "https://api.anthropic.com", "a"],
      ["google", "https://generativelanguage.googleapis.com/v1beta/openai", "m"],
      ["groq", "http://127.0.0.1:9/v1", "g"],
      ["xai", "https://api.x.ai/v1", "x"],
      ["local", "http://127.0.0.1:11434/v1", undefined],
    ],
  );
  assert.deepEqual(
    planned.map(({ reportsStreamUsage }) => reportsStreamUsage),
    [true, true, true, true, true, false],
  );
  assert.equal(planned[0]?.timeouts.bodyTimeoutMs, 7_000);
});

test("a provider without a key of its settings is switched off", () => {
  assert.deepEqual(plannedProviders(readSettings({ OPENAI_BASE_URL: "http://127.0.0.1:9" }), emptyFile), []);
});
