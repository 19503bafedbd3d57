import assert from "node:assert/strict";
import { test } from "node:test";
import { priceBook } from "../costs/prices.ts";
import { TollgateError } from "../lib/errors.ts";
import { seededChance } from "../lib/ids.ts";
import type { Provider } from "../providers/provider.ts";
import type { Alias } from "./aliases.ts";
import { chatFormat, embeddingsFormat, type Format, messagesFormat, responsesFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import { type Route, type Routes, routeOf } from "./route.ts";
import { scriptedProvider } from "./testing.ts";

const defaults = { input: "0.20", cachedInput: "0.05", output: "0.50" };
const book = priceBook({ operator: [], configured: [], defaults, unknown: "default" });

function alias(...models: string[]): Alias {
  const targets = models.map((model, order) => ({ model, order, weight: 1, timeoutMs: undefined }));
  return { targets, retries: 2 };
}

function routes(providers: readonly Provider[], fallback = providers[0]!): Routes {
  const aliases = new Map([
    ["fast", alias("groq/llama-3.3-70b")],
    ["other", alias("mistral/large")],
    ["gone", alias("openai/")],
    ["spread", alias("xai/grok-4-1-fast", "openai/gpt-5.1", "groq/llama-3.3-70b")],
  ]);
  const named = new Map(providers.map((provider) => [provider.name, provider]));
  return { providers: named, aliases, fallback, removed: new Set(["removed"]) };
}

const provider = (name: string, fields: Partial<Provider> = {}) =>
  scriptedProvider({ name, ...fields }).provider;
const openai = provider("openai");
const groq = provider("groq");
const local = provider("local", { models: ["llama3", "meta/llama3"] });
const configured = routes([openai, groq, local]);

type Asked = {
  readonly where?: Routes;
  readonly prices?: typeof book;
  readonly format?: Format;
  readonly permit?: (target: { provider: Provider }) => void;
};

function route(
  asked: string,
  { where = configured, prices = book, format = chatFormat, permit }: Asked = {},
): Route {
  const json = { model: asked, messages: [{ role: "user", content: "Hi" }], input: "Hi", max_tokens: 16 };
  const deps = { routes: () => where, prices: () => prices, chance: seededChance(1) };
  return routeOf(deps, { request: aiRequest(format, json, 100), now: 0, permit: permit ?? (() => {}) });
}

function found(asked: string, where: Routes = configured): string {
  const { provider: answering, model, price } = route(asked, { where }).targets[0];
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

test("a model of a provider that was removed is not found, and the answer names that provider", () => {
  const simulated = routes([provider("simulated", { simulated: true, models: ["sim-echo"] })]);
  for (const where of [configured, simulated]) {
    assert.throws(() => found("removed/x", where), { code: "MODEL_NOT_FOUND", message: /it is of removed,/ });
  }
  assert.throws(() => found("xai/grok-4-1-fast"), { code: "MODEL_NOT_FOUND", message: /it is of xai,/ });
  assert.equal(found("removed", configured), "openai removed default");
});

test("a provider that lists a model under somebody else's name takes it, whether the other was removed or never there", () => {
  const aggregator = provider("router", { models: ["removed/x", "anthropic/claude-sonnet-4"] });
  const where = routes([openai, aggregator]);
  assert.equal(found("removed/x", where), "router removed/x default");
  assert.match(found("anthropic/claude-sonnet-4", where), /^router anthropic\/claude-sonnet-4 /);
  assert.throws(() => found("removed/y", where), { code: "MODEL_NOT_FOUND" });
});

test("a vendor that was never a provider here is the default provider's own word for a model", () => {
  const where = routes([openai, provider("router")], provider("router"));
  assert.equal(found("mistralai/mistral-large", where), "router mistralai/mistral-large default");
});

test("the default provider takes bare names that nobody knows", () => {
  assert.equal(found("unheard-of", routes([openai, groq], groq)), "groq unheard-of default");
});

test("where only the simulated provider answers, it takes every name", () => {
  const simulated = routes([provider("simulated", { simulated: true, models: ["sim-echo"] })]);
  for (const asked of ["sim-echo", "gpt-5.1", "anthropic/claude-sonnet-4", "openai/"]) {
    assert.equal(route(asked, { where: simulated }).targets[0].model, asked);
  }
  assert.equal(found("simulated/sim-echo", simulated), "simulated sim-echo default");
});

test("a model without a price is denied where the operator says so", () => {
  const strict = priceBook({ operator: [], configured: [], defaults, unknown: "deny" });
  assert.throws(() => route("local/anything", { prices: strict }), {
    code: "PRICE_UNKNOWN",
    details: { model: "local/anything" },
  });
  assert.equal(route("gpt-5.1", { prices: strict }).targets[0].price.id, "openai/gpt-5.1");
});

test("of an alias's targets those remain that can take the call, in their order", () => {
  const { targets, retries } = route("spread");
  assert.deepEqual(
    targets.map(({ provider: { name } }) => name),
    ["openai", "groq"],
  );
  assert.equal(retries, 2);
  const notOpenai = ({ provider: { name } }: { provider: Provider }) => {
    if (name === "openai") throw new TollgateError("MODEL_NOT_ALLOWED", { model: "spread" });
  };
  assert.deepEqual(
    route("spread", { permit: notOpenai }).targets.map(({ provider: { name } }) => name),
    ["groq"],
  );
});

test("a provider is asked in the client's format if it speaks it, else in a translation, else not at all", () => {
  const claude = provider("anthropic", { speaks: ["anthropic-messages"] });
  const where = routes([claude, openai]);
  const named = "anthropic/claude-sonnet-4";
  assert.equal(route(named, { where, format: messagesFormat }).targets[0].translation, undefined);
  const translated = route(named, { where }).targets[0];
  assert.equal(translated.format, messagesFormat);
  assert.deepEqual(translated.translation?.body.max_tokens, 16);
  const back = route("openai/gpt-5.1", { where, format: messagesFormat }).targets[0];
  assert.equal(back.format, chatFormat);
  assert.throws(() => route(named, { where, format: embeddingsFormat }), { code: "VALIDATION_FAILED" });
});

test("responses reach whoever speaks them as they are, and all others translated, also of one alias", () => {
  const claude = provider("anthropic", { speaks: ["anthropic-messages"] });
  const speaker = provider("xai", { speaks: ["openai-chat", "openai-responses"] });
  const where = {
    ...routes([speaker, groq, claude]),
    aliases: new Map([["mixed", alias("xai/a", "groq/b", "anthropic/c")]]),
  };
  const { targets } = route("mixed", { where, format: responsesFormat });
  assert.deepEqual(
    targets.map(({ format, translation }) => [format.operation, translation !== undefined]),
    [
      ["responses", false],
      ["chat", true],
      ["messages", true],
    ],
  );
});

test("a bare name that nobody knows goes to Anthropic for Anthropic's clients", () => {
  const claude = provider("anthropic", { speaks: ["anthropic-messages"] });
  const where = routes([openai, claude]);
  const named = (format: Format) => route("unheard-of", { where, format }).targets[0].provider.name;
  assert.deepEqual([named(messagesFormat), named(chatFormat)], ["anthropic", "openai"]);
});

test("a key may use none of the other models that a body names unless it may use all of them", () => {
  const asked: string[] = [];
  const body = {
    model: "gpt-5.1",
    messages: [{ role: "user" }],
    models: ["gpt-6", 7],
    fallbacks: [{ model: "x" }],
  };
  const request = aiRequest(chatFormat, body, 100);
  assert.deepEqual(request.otherModels, ["gpt-6", "x"]);
  const deps = { routes: () => configured, prices: () => book, chance: seededChance(1) };
  const permit = ({ model }: { model: string }) => void asked.push(model);
  routeOf(deps, { request, now: 0, permit });
  assert.deepEqual(asked, ["gpt-5.1", "gpt-6", "x"]);
});
