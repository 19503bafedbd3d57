import assert from "node:assert/strict";
import { test } from "node:test";
import { priceBook } from "../costs/prices.ts";
import type { Provider } from "../providers/provider.ts";
import { type Routes, targetOf } from "./target.ts";
import { scriptedProvider } from "./testing.ts";

const defaults = { input: "0.20", cachedInput: "0.05", output: "0.50" };
const book = priceBook({ operator: [], configured: [], defaults, unknown: "default" });

function routes(providers: readonly Provider[], fallback = providers[0]!): Routes {
  const aliases = new Map([
    ["fast", "groq/llama-3.3-70b"],
    ["other", "mistral/large"],
    ["gone", "openai/"],
  ]);
  return { providers: new Map(providers.map((provider) => [provider.name, provider])), aliases, fallback };
}

const provider = (name: string, fields: Partial<Provider> = {}) =>
  scriptedProvider({ name, ...fields }).provider;
const openai = provider("openai");
const groq = provider("groq");
const local = provider("local", { models: ["llama3", "meta/llama3"] });
const configured = routes([openai, groq, local]);

function found(asked: string, where: Routes = configured): string {
  const { provider: answering, model, price } = targetOf(where, book, asked, 0);
  return `${answering.name} ${model} ${price.source}`;
}

test("a model name finds its provider, the name it has there and its price", () => {
  for (const [asked, target] of [
    ["openai/gpt-5.1", "openai gpt-5.1 shipped"],
    ["gpt-5.1", "openai gpt-5.1 shipped"],
    ["fast", "groq llama-3.3-70b shipped"],
    ["llama-3.3-70b-versatile", "groq llama-3.3-70b-versatile shipped"],
    ["openai/unheard-of", "openai unheard-of default"],
    ["unheard-of", "openai unheard-of default"],
    ["local/anything/at:all", "local anything/at:all default"],
    ["llama3", "local llama3 default"],
    ["meta/llama3", "local meta/llama3 default"],
    ["local/meta/llama3", "local meta/llama3 default"],
    ["meta/unheard-of", "openai meta/unheard-of default"],
    ["other", "openai mistral/large default"],
    ["/x", "openai /x default"],
  ] as const) {
    assert.equal(found(asked), target, asked);
  }
});

test("a model that only a provider without a key could take is not found", () => {
  for (const asked of [
    "xai/grok-4-1-fast",
    "grok-4-1-fast",
    "anthropic/claude-sonnet-4",
    "claude-sonnet-4",
    "openai/",
    "gone",
  ]) {
    assert.throws(() => found(asked), { code: "MODEL_NOT_FOUND", details: { model: asked } }, asked);
  }
});

test("the default provider takes bare names that nobody knows", () => {
  assert.equal(found("unheard-of", routes([openai, groq], groq)), "groq unheard-of default");
});

test("where only the simulated provider answers, it takes every name", () => {
  const simulated = routes([provider("simulated", { simulated: true, models: ["sim-echo"] })]);
  for (const asked of ["sim-echo", "gpt-5.1", "anthropic/claude-sonnet-4", "openai/"]) {
    assert.equal(targetOf(simulated, book, asked, 0).model, asked);
  }
  assert.equal(found("simulated/sim-echo", simulated), "simulated sim-echo default");
});

test("a model without a price is denied where the operator says so", () => {
  const strict = priceBook({ operator: [], configured: [], defaults, unknown: "deny" });
  assert.throws(() => targetOf(configured, strict, "local/anything", 0), {
    code: "PRICE_UNKNOWN",
    details: { model: "local/anything" },
  });
  assert.equal(targetOf(configured, strict, "gpt-5.1", 0).price.id, "openai/gpt-5.1");
});
