import assert from "node:assert/strict";
import { test } from "node:test";
import { usdText } from "../lib/money.ts";
import { driftOf } from "./prices.drift.ts";
import { placeOf } from "./prices.list.ts";
import { defaultRates } from "./prices.shipped.ts";
import { type ListedPrice, type OperatorPrice, priceBook } from "./prices.ts";
import { ratesFrom } from "./rates.ts";

const NOW = Date.UTC(2026, 0, 1);
const day = "2026-01-01";

function bookOf(operator: readonly OperatorPrice[] = [], configured: readonly ListedPrice[] = []) {
  return priceBook({ operator, configured, defaults: defaultRates, unknown: "default" });
}

const traffic = (provider: string, model: string, input: number, cached: number, output: number) => ({
  provider,
  model,
  calls: 1,
  inputTokens: input,
  cachedInputTokens: cached,
  outputTokens: output,
  costPico: 0n,
  lastDay: day,
});

test("the drift of the shipped book is what a look at the two lists says", () => {
  const { rows } = driftOf(bookOf(), [], NOW);
  const ratios = rows.map(({ row, severity, units }) => {
    const ratioOf = (unit: string) => units.find((each) => each.unit === unit)?.ratio;
    return [placeOf(row), severity, ratioOf("input"), ratioOf("output")];
  });
  assert.deepEqual(ratios, [
    ["anthropic/claude-haiku-4.5", "red", 0.25, 0.25],
    ["anthropic/claude-sonnet-4", "ok", 1, 1],
    ["google/gemini-2.5-flash", "red", 0.25, 0.12],
    ["groq/llama-3.3-70b", "ok", 1, 1],
    ["openai/gpt-5.1", "red", 8, 3],
    ["xai/grok-4-1-fast", "red", 25, 30],
  ]);
});

test("a price more than 1 % apart is a warning, and one more than 25 % apart is red", () => {
  const severityAt = (input: string) => {
    const configured = [{ provider: "openai", model: "gpt-4o-mini", rates: { input, output: "0.6" } }];
    const { rows } = driftOf(bookOf([], configured), [], NOW);
    const { units } = rows.find(({ row }) => row.model === "gpt-4o-mini")!;
    return units.find(({ unit }) => unit === "input")!.severity;
  };
  assert.deepEqual(
    ["0.15", "0.1515", "0.151501", "0.1484", "0.1875", "0.187501", "0.1125", "0.1124"].map(severityAt),
    ["ok", "ok", "warn", "warn", "warn", "red", "warn", "red"],
  );
});

test("a price without the catalogue's rates for long calls shows so, at that length only", () => {
  const rates = ratesFrom({ input: "1.25", cachedInput: "0.125", output: "10" });
  const flat = { id: 1, provider: "google", model: "gemini-2.5-pro", rates, effectiveFromMs: NOW };
  const { rows } = driftOf(bookOf([flat]), [], NOW);
  const { units } = rows.find(({ row }) => row.price.source === "operator")!;
  assert.deepEqual(
    units
      .filter(({ unit }) => unit === "input" || unit === "output")
      .map(({ unit, aboveInput, ratio, severity }) => [unit, aboveInput, ratio, severity]),
    [
      ["input", 0, 1, "ok"],
      ["output", 0, 1, "ok"],
      ["input", 200_000, 0.5, "red"],
      ["output", 200_000, 10 / 15, "red"],
    ],
  );
});

test("the effect of a drift is the traffic of all its spellings at both prices", () => {
  const { rows } = driftOf(
    bookOf(),
    [
      traffic("openai", "gpt-5.1", 1_000_000, 400_000, 100_000),
      traffic("openai", "gpt-5.1-2025-11-13", 1_000_000, 0, 0),
      traffic("openai", "gpt-4o-mini", 9_000_000, 0, 0),
    ],
    NOW,
  );
  const effects = rows.map(({ row, effectPico }) => [row.model, usdText(effectPico)]);
  // 1.6 M × (1.25 − 10) + 0.4 M × (0.125 − 1) + 0.1 M × (10 − 30)
  assert.deepEqual(Object.fromEntries(effects)["gpt-5.1"], "-16.35");
  assert.deepEqual(Object.fromEntries(effects)["claude-haiku-4.5"], "0");
});

test("models that were called and have no price are told, and others are not", () => {
  const called = [traffic("openai", "gpt-99", 1, 0, 1), traffic("openai", "gpt-4o-mini", 1, 0, 1)];
  const { unpriced } = driftOf(bookOf(), called, NOW);
  assert.deepEqual(unpriced.map(placeOf), ["openai/gpt-99"]);
});

test("an adopted price has no drift", () => {
  const { rows } = driftOf(bookOf(), [], NOW);
  const adopted = rows.map(({ row, catalogueRow }, id) => ({
    id,
    provider: row.provider,
    model: row.model,
    rates: catalogueRow.price.rates,
    effectiveFromMs: NOW,
  }));
  const after = driftOf(bookOf(adopted), [], NOW).rows;
  assert.deepEqual(new Set(after.map(({ severity }) => severity)), new Set(["ok"]));
});

test("a kind is compared where either list has a price of its own for it, and a pattern is not compared", () => {
  const rates = { input: "0.3", cachedInput: "0.03", audioInput: "2", webSearch: "14", output: "2.5" };
  const { rows } = driftOf(
    bookOf(
      [],
      [
        { provider: "google", model: "gemini-2.5-flash", rates },
        { provider: "google", model: "gemini-2*", rates },
      ],
    ),
    [],
    NOW,
  );
  const { units } = rows.find(({ row }) => row.model === "gemini-2.5-flash")!;
  const others = units.filter(({ unit }) => /audio|image|search/i.test(unit));
  assert.deepEqual(
    others.map(({ unit, ratio, severity }) => [unit, ratio, severity]),
    [
      ["audioInput", 2, "red"],
      ["cachedAudioInput", 0.3, "red"],
      ["webSearch", 1.4, "red"],
    ],
  );
  assert.ok(rows.every(({ row }) => row.model !== "gemini-2*"));
});
