import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRates } from "./prices.shipped.ts";
import {
  type ListedPrice,
  type OperatorPrice,
  ownerOf,
  type PriceBook,
  priceBook,
  pricedModels,
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
