import assert from "node:assert/strict";
import { test } from "node:test";
import { usdPerMillionText } from "../lib/money.ts";
import { catalogueRowOf } from "./prices.rows.ts";
import { ratesAt, ratesFor, ratesFrom } from "./rates.ts";
import { askedServiceTier, withServiceTiers } from "./served-tiers.ts";

const NOW = Date.UTC(2026, 10, 22);

/** USD per million tokens of input, cached input and output, where the model has rates of its own in that tier. */
function pricesOf(provider: string, model: string, tier: string): string | undefined {
  const { rates } = catalogueRowOf(provider, model, NOW)!.price;
  const served = rates.serviceTiers.get(tier);
  if (served === undefined) return undefined;
  return [served.input, served.cachedInput, served.output].map(usdPerMillionText).join(" ");
}

test("a fast call of OpenAI costs what its page of prices says, under the old name and the new", () => {
  for (const [model, prices] of Object.entries({
    "gpt-4o": "4.25 2.125 17",
    "gpt-4o-2024-05-13": "8.75 8.75 26.25",
    "gpt-4o-mini": "0.25 0.125 1",
    "gpt-4.1": "3.5 0.875 14",
    "gpt-4.1-mini": "0.7 0.175 2.8",
    "gpt-4.1-nano": "0.2 0.05 0.8",
    o3: "3.5 0.875 14",
    "o4-mini": "2 0.5 8",
    "gpt-5": "2.5 0.25 20",
    "gpt-5-mini": "0.45 0.045 3.6",
    "gpt-5.1": "2.5 0.25 20",
    "gpt-5.2": "3.5 0.35 28",
    "gpt-5.4": "5 0.5 30",
    "gpt-5.4-mini": "1.5 0.15 9",
    "gpt-5.5": "12.5 1.25 75",
    "gpt-5.6-sol": "8 0.8 40",
    "gpt-5.6-luna": "0.4 0.04 2.4",
  })) {
    assert.equal(pricesOf("openai", model, "priority"), prices, model);
    assert.equal(pricesOf("openai", model, "fast"), prices, model);
  }
  assert.equal(pricesOf("openai", "gpt-5-nano", "priority"), undefined);
});

test("batch and flex cost half, in long calls too, and searches as ever", () => {
  assert.equal(pricesOf("openai", "gpt-5", "flex"), "0.625 0.0625 5");
  assert.equal(pricesOf("anthropic", "claude-haiku-4-5", "batch"), "0.5 0.05 2.5");
  assert.equal(pricesOf("anthropic", "claude-haiku-4-5", "flex"), undefined);
  assert.equal(pricesOf("groq", "llama-3.3-70b-versatile", "flex"), undefined);
  const { rates } = catalogueRowOf("google", "gemini-2.5-pro", NOW)!.price;
  const batch = ratesFor(rates, "batch");
  assert.equal(usdPerMillionText(ratesAt(batch, 200_001).output), "7.5");
  assert.equal(batch.webSearch, rates.webSearch);
});

test("Anthropic's fast mode and its place of inference multiply each other", () => {
  assert.equal(pricesOf("anthropic", "claude-opus-4-6", "fast"), "30 3 150");
  assert.equal(pricesOf("anthropic", "claude-opus-4-6", "us"), "5.5 0.55 27.5");
  assert.equal(pricesOf("anthropic", "claude-opus-4-6", "fast+us"), "33 3.3 165");
  assert.equal(pricesOf("anthropic", "claude-opus-5", "fast"), "10 1 50");
  assert.equal(pricesOf("anthropic", "claude-sonnet-5", "batch+us"), "1.1 0.11 5.5");
  assert.equal(pricesOf("anthropic", "claude-sonnet-4-6", "fast"), undefined);
  for (const model of ["claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5"]) {
    assert.equal(pricesOf("anthropic", model, "us"), undefined, model);
  }
});

test("a rate that a fraction does not divide is rounded half up once", () => {
  const odd = withServiceTiers("openai", "gpt-5", ratesFrom({ input: "0.000003", output: "0.000001" }));
  const { input, output } = ratesFor(odd, "flex");
  assert.deepEqual([input, output], [2n, 1n]);
});

test("the tier that a body asks for has the name that answers give it", () => {
  assert.equal(askedServiceTier({ service_tier: "priority" }), "priority");
  assert.equal(askedServiceTier({ speed: "fast" }), "fast");
  assert.equal(askedServiceTier({ inference_geo: "us", service_tier: "auto" }), "us");
  assert.equal(askedServiceTier({ speed: "fast", inference_geo: "us" }), "fast+us");
  for (const standard of [
    {},
    { service_tier: "default" },
    { service_tier: 7 },
    { inference_geo: "global" },
  ]) {
    assert.equal(askedServiceTier(standard), undefined);
  }
});
