import assert from "node:assert/strict";
import { test } from "node:test";
import { usdPerMillionText, usdText } from "../lib/money.ts";
import { costOf } from "./cost.ts";
import { placeOf, pricedModels, pricesInForce } from "./prices.list.ts";
import { catalogueRowOf } from "./prices.rows.ts";
import { defaultRates, shippedPrices } from "./prices.shipped.ts";
import {
  type ListedPrice,
  type OperatorPrice,
  ownerOf,
  type PriceBook,
  priceBook,
  priceOf,
} from "./prices.ts";
import { ratesFrom } from "./rates.ts";

const NOW = Date.UTC(2026, 0, 1);

function bookOf(
  rows: { operator?: readonly OperatorPrice[]; configured?: readonly ListedPrice[]; unknown?: "deny" } = {},
): PriceBook {
  return priceBook({ operator: [], configured: [], defaults: defaultRates, unknown: "default", ...rows });
}

function operatorRow(id: number, model: string, input: string, effectiveFromMs: number): OperatorPrice {
  const [provider = "", name = ""] = model.split("/");
  return { id, provider, model: name, rates: ratesFrom({ input, output: "1" }), effectiveFromMs };
}

test("the shipped book holds the six prices of the contract", () => {
  const shipped = (provider: string, model: string) => {
    const price = priceOf(bookOf(), provider, model, NOW);
    return [price?.source, price?.rates.input, price?.rates.cachedInput, price?.rates.output];
  };
  assert.deepEqual(shipped("anthropic", "claude-sonnet-4"), ["shipped", 3_000_000n, 300_000n, 15_000_000n]);
  assert.deepEqual(shipped("anthropic", "claude-haiku-4.5"), ["shipped", 250_000n, 25_000n, 1_250_000n]);
  assert.deepEqual(shipped("openai", "gpt-5.1"), ["shipped", 10_000_000n, 1_000_000n, 30_000_000n]);
  assert.deepEqual(shipped("google", "gemini-2.5-flash"), ["shipped", 75_000n, 7_500n, 300_000n]);
  assert.deepEqual(shipped("groq", "llama-3.3-70b"), ["shipped", 590_000n, 590_000n, 790_000n]);
  assert.deepEqual(shipped("xai", "grok-4-1-fast"), ["shipped", 5_000_000n, 1_250_000n, 15_000_000n]);
});

test("every spelling of a model finds its price", () => {
  const spellings = {
    "anthropic/claude-sonnet-4": [
      "anthropic/claude-sonnet-4-20250514",
      "anthropic/claude-sonnet-4-0",
      "anthropic/Claude-Sonnet-4@20250514",
    ],
    "anthropic/claude-haiku-4.5": [
      "anthropic/claude-haiku-4-5-20251001",
      "anthropic/claude-haiku-4-5-latest",
    ],
    "openai/gpt-5.1": ["openai/gpt-5-1", "openai/gpt-5.1-2025-11-13", "openai/gpt-5.1-chat-latest"],
    "google/gemini-2.5-flash": ["gemini/gemini-2.5-flash", "google/models/gemini-2.5-flash"],
    "groq/llama-3.3-70b": ["groq/llama-3.3-70b-versatile"],
    "xai/grok-4-1-fast": [
      "x-ai/grok-4.1-fast",
      "xai/grok-4-1-fast-reasoning",
      "xai/grok-4-1-fast-non-reasoning",
    ],
  };
  for (const [row, names] of Object.entries(spellings)) {
    for (const name of names) {
      const slash = name.indexOf("/");
      const price = priceOf(bookOf(), name.slice(0, slash), name.slice(slash + 1), NOW);
      assert.equal(price?.id, row, name);
    }
  }
});

test("the same model at another provider has no shipped price", () => {
  assert.equal(priceOf(bookOf(), "groq", "gpt-5.1", NOW)?.source, "default");
});

test("caches and audio follow the public catalogue's ratio to plain input", () => {
  const units = ["cachedInput", "cacheWrite5m", "cacheWrite1h", "audioInput", "cachedAudioInput"] as const;
  for (const { provider, model, rates } of shippedPrices) {
    const shipped = ratesFrom(rates);
    const { rates: real } = catalogueRowOf(provider, model, NOW)!.price;
    for (const unit of units) {
      assert.equal(shipped[unit] * real.input, real[unit] * shipped.input, `${model} ${unit}`);
    }
  }
});

test("a model in no book of ours is priced by the public catalogue, whatever it is called there", () => {
  const priced = (provider: string, model: string, at = NOW) => {
    const price = priceOf(bookOf(), provider, model, at);
    const { input, cachedInput, cacheWrite5m, cacheWrite1h, output } = price!.rates;
    const rates = [input, cachedInput, cacheWrite5m, cacheWrite1h, output].map(usdPerMillionText);
    return [price!.id, price!.source, rates.join(" ")];
  };
  const mini = ["catalogue:0.1.8:openai/gpt-4o-mini", "catalogue", "0.15 0.075 0.15 0.15 0.6"];
  assert.deepEqual(priced("openai", "gpt-4o-mini"), mini);
  assert.deepEqual(priced("openai", "GPT-4o-mini-2024-07-18"), mini);
  const opus = ["catalogue:0.1.8:anthropic/claude-opus-4-1", "catalogue", "15 1.5 18.75 30 75"];
  assert.deepEqual(priced("anthropic", "claude-opus-4-1-20250805"), opus);
  assert.deepEqual(priced("anthropic", "claude-opus-4.1"), opus);
  const lite = ["catalogue:0.1.8:google/gemini-2.5-flash-lite", "catalogue", "0.1 0.01 0.1 0.1 0.4"];
  assert.deepEqual(priced("gemini", "models/gemini-2.5-flash-lite"), lite);
  const instant = ["catalogue:0.1.8:groq/llama-3.1-8b-instant", "catalogue", "0.05 0.05 0.05 0.05 0.08"];
  assert.deepEqual(priced("groq", "llama-3.1-8b-instant"), instant);
  const small = ["catalogue:0.1.8:openai/text-embedding-3-small", "catalogue", "0.02 0.02 0.02 0.02 0"];
  assert.deepEqual(priced("openai", "text-embedding-3-small"), small);
});

test("a price of the catalogue counts from its day on, and the oldest for the time before it, too", () => {
  const inputAt = (day: string) =>
    usdPerMillionText(priceOf(bookOf(), "openai", "o3", Date.parse(day))!.rates.input);
  assert.equal(inputAt("2020-01-01"), "10");
  assert.equal(inputAt("2025-06-09T23:59:59.999Z"), "10");
  assert.equal(inputAt("2025-06-10"), "2");
});

test("a long call has the catalogue's rates for long calls", () => {
  const { rates } = priceOf(bookOf(), "google", "gemini-2.5-pro", NOW)!;
  const tokens = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 1_000, reasoning: 0 };
  assert.equal(usdText(costOf({ ...tokens, input: 200_000 }, rates)), "0.26"); // 0.2 M × 1.25 + 1,000 × 10
  assert.equal(usdText(costOf({ ...tokens, input: 200_001 }, rates)), "0.5150025"); // 0.200001 M × 2.50 + 1,000 × 15
});

test("what is not sold by the token has no price, and neither has a name of any length", () => {
  assert.equal(priceOf(bookOf(), "openai", "whisper-1", NOW)?.source, "default");
  assert.equal(priceOf(bookOf(), "openai", "omni-moderation-latest", NOW)?.source, "default");
  assert.equal(priceOf(bookOf(), "openai", `gpt-4o-mini-${"9".repeat(200)}`, NOW)?.source, "default");
  assert.equal(priceOf(bookOf({ unknown: "deny" }), "openai", "whisper-1", NOW), undefined);
});

test("a lookup answers the same the second time, and after very many others", () => {
  const book = bookOf();
  const first = priceOf(book, "openai", "gpt-4o-mini", NOW);
  assert.equal(priceOf(book, "openai", "gpt-4o-mini", NOW), first);
  for (let name = 0; name < 2_500; name++) priceOf(book, "openai", `made-up-${name}`, NOW);
  assert.deepEqual(priceOf(book, "openai", "gpt-4o-mini", NOW), first);
  assert.ok(book.found.rows.size <= 2_000);
});

test("the prices in force are listed once each, in the order of their names", () => {
  const book = bookOf({
    operator: [operatorRow(1, "openai/gpt-5.1", "1", NOW), operatorRow(2, "house/later", "1", NOW + 1)],
  });
  const rows = pricesInForce(book, NOW);
  const names = rows.map(placeOf);
  assert.deepEqual(names, names.toSorted());
  assert.equal(new Set(names).size, names.length);
  const sourceOf = (name: string) => rows.find((row) => placeOf(row) === name)?.price.source;
  assert.deepEqual(["*/*", "openai/gpt-5.1", "groq/llama-3.3-70b", "openai/gpt-4o-mini"].map(sourceOf), [
    "default",
    "operator",
    "shipped",
    "catalogue",
  ]);
  for (const hidden of ["groq/llama-3.3-70b-versatile", "house/later", "openai/whisper-1"]) {
    assert.equal(sourceOf(hidden), undefined, hidden);
  }
});

test("a model in no book is charged at the default rates, and marked so", () => {
  assert.deepEqual(priceOf(bookOf(), "openai", "gpt-99", NOW), {
    source: "default",
    id: "default",
    rates: ratesFrom({ input: "0.20", cachedInput: "0.05", output: "0.50" }),
  });
});

test("where models without a price are denied, they have none", () => {
  assert.equal(priceOf(bookOf({ unknown: "deny" }), "openai", "gpt-99", NOW), undefined);
  assert.equal(priceOf(bookOf({ unknown: "deny" }), "openai", "gpt-5.1", NOW)?.source, "shipped");
});

test("the configuration file overrides the shipped book, the operator overrides both", () => {
  const configured = [{ provider: "openai", model: "gpt-5.1", rates: { input: "2", output: "2" } }];
  assert.equal(priceOf(bookOf({ configured }), "openai", "gpt-5.1", NOW)?.source, "configured");
  const operator = [operatorRow(7, "openai/gpt-5.1", "9", NOW)];
  assert.deepEqual(priceOf(bookOf({ configured, operator }), "openai", "gpt-5-1-2025-11-13", NOW), {
    source: "operator",
    id: "7",
    rates: ratesFrom({ input: "9", output: "1" }),
  });
});

test("the operator's newest row in force wins", () => {
  const operator = [
    operatorRow(1, "openai/gpt-5.1", "1", NOW - 2_000),
    operatorRow(2, "openai/gpt-5.1", "2", NOW + 1_000),
    operatorRow(3, "openai/gpt-5.1", "3", NOW - 1_000),
    operatorRow(4, "openai/gpt-5.1", "4", NOW - 1_000),
  ];
  const idAt = (at: number) => priceOf(bookOf({ operator }), "openai", "gpt-5.1", at)?.id;
  assert.equal(idAt(NOW), "4");
  assert.equal(idAt(NOW + 999), "4");
  assert.equal(idAt(NOW + 1_000), "2");
  assert.equal(idAt(NOW - 1_500), "1");
  assert.equal(idAt(NOW - 2_001), "openai/gpt-5.1");
});

const patternRow = (id: number, model: string, effectiveFromMs = NOW) =>
  operatorRow(id, `openai/${model}`, String(id), effectiveFromMs);

test("of the operator's patterns the one with the longest text wins, then the newest; a name wins over all", () => {
  const operator = [
    patternRow(1, "*"),
    patternRow(2, "GPT-5*"),
    patternRow(3, "gpt-5*", NOW + 1_000),
    patternRow(4, "*-mini"),
    patternRow(5, "gpt-5.*"),
    patternRow(6, "gpt-5.2"),
  ];
  const book = bookOf({ operator });
  const idOf = (model: string, at = NOW) => priceOf(book, "openai", model, at)?.id;
  assert.deepEqual(
    ["gpt-5", "gpt-5.1", "gpt-5.2", "gpt-4.1-mini", "o3"].map((name) => idOf(name)),
    ["2", "5", "6", "4", "1"],
  );
  assert.equal(idOf("gpt-5", NOW + 1_000), "3");
  assert.equal(idOf("gpt-5.2-2025-12-11"), "6");
  assert.equal(idOf("gpt-5", NOW - 1), "catalogue:0.1.8:openai/gpt-5");
  assert.equal(priceOf(book, "groq", "gpt-5", NOW)?.source, "default");
});

test("an operator's pattern goes before a configured name, and a configured pattern before the shipped book", () => {
  const rates = { input: "2", output: "2" };
  const configured = [
    { provider: "openai", model: "gpt-5.1", rates },
    { provider: "anthropic", model: "claude-*", rates },
  ];
  const book = bookOf({ configured, operator: [patternRow(1, "gpt-*")] });
  assert.equal(priceOf(book, "openai", "gpt-5.1", NOW)?.source, "operator");
  assert.equal(priceOf(book, "anthropic", "claude-sonnet-4", NOW)?.id, "anthropic/claude-*");
});

test("a pattern is listed among the prices, but is no model and owns none", () => {
  const operator = [patternRow(1, "gpt-5*"), operatorRow(2, "other/tiny*", "1", NOW)];
  const book = bookOf({ operator });
  assert.ok(pricesInForce(book, NOW).some((row) => placeOf(row) === "openai/gpt-5*"));
  assert.ok(pricedModels(book).every(({ model }) => !model.includes("*")));
  assert.equal(ownerOf(book, "tiny-1"), undefined);
  assert.equal(ownerOf(book, "tiny*"), undefined);
  assert.equal(catalogueRowOf("openai", "gpt-5*", NOW), undefined);
});

test("the simulated provider's prices may be asked for by its short name", () => {
  const book = bookOf({ operator: [operatorRow(1, "sim/sim-echo", "1", NOW)] });
  assert.equal(priceOf(book, "simulated", "sim-echo", NOW)?.id, "1");
});

test("shipped and catalogue prices know the service tiers of their providers, an operator's only what it says", () => {
  const tiersOf = (book: PriceBook) => priceOf(book, "openai", "gpt-5.1-2025-11-13", NOW)?.rates.serviceTiers;
  assert.equal(tiersOf(bookOf())?.get("priority")?.input, 20_000_000n);
  assert.equal(tiersOf(bookOf({ operator: [operatorRow(1, "openai/gpt-5.1", "1", NOW)] }))?.size, 0);
});

test("a price for a dated model is for that date only", () => {
  const book = bookOf({ operator: [operatorRow(1, "openai/gpt-5.1-2025-11-13", "1", NOW)] });
  assert.equal(priceOf(book, "openai", "gpt-5.1-2025-11-13", NOW)?.source, "operator");
  assert.equal(priceOf(book, "openai", "gpt-5.1", NOW)?.source, "shipped");
});

test("a bare model name leads to the provider that sells it", () => {
  const book = bookOf({
    operator: [operatorRow(1, "other/gpt-5.1", "1", NOW), operatorRow(2, "other/small", "1", NOW)],
    configured: [{ provider: "house", model: "tiny-1.0", rates: { input: "1", output: "1" } }],
  });
  assert.equal(ownerOf(book, "claude-sonnet-4-20250514"), "anthropic");
  assert.equal(ownerOf(book, "llama-3.3-70b-versatile"), "groq");
  assert.equal(ownerOf(book, "gpt-5.1"), "openai");
  assert.equal(ownerOf(book, "tiny-1-0"), "house");
  assert.equal(ownerOf(book, "small"), "other");
  assert.equal(ownerOf(book, "claude-opus-4-1"), "anthropic");
  assert.equal(ownerOf(book, "gpt-4o-mini"), "openai");
  assert.equal(ownerOf(book, "llama-3.1-8b-instant"), "groq");
  assert.equal(ownerOf(book, "whisper-1"), undefined);
  assert.equal(ownerOf(book, "unheard-of"), undefined);
});

test("the models with a price are named as their rows name them", () => {
  const book = bookOf({
    operator: [operatorRow(1, "other/Small-1.0", "1", NOW), operatorRow(2, "other/Small-1.0", "2", NOW)],
    configured: [{ provider: "house", model: "org/tiny-1.0", rates: { input: "1", output: "1" } }],
  });
  const names = pricedModels(book).map(({ provider, model }) => `${provider}/${model}`);
  assert.equal(names.length, 8);
  for (const name of ["anthropic/claude-haiku-4.5", "house/org/tiny-1.0", "other/Small-1.0"]) {
    assert.ok(names.includes(name), name);
  }
});
