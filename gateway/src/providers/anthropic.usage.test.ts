import assert from "node:assert/strict";
import { test } from "node:test";
import { anthropicMetered, merged } from "./anthropic.usage.ts";

const none = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };

test("cached tokens lie beside the input, thinking within the output", () => {
  const metered = anthropicMetered({
    input_tokens: 10,
    cache_read_input_tokens: 200,
    cache_creation_input_tokens: 70,
    cache_creation: { ephemeral_5m_input_tokens: 50, ephemeral_1h_input_tokens: 20 },
    output_tokens: 30,
    output_tokens_details: { thinking_tokens: 12 },
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 5 },
    service_tier: "standard",
  });
  const usage = {
    input: 280,
    cacheRead: 200,
    cacheWrite5m: 50,
    cacheWrite1h: 20,
    output: 30,
    reasoning: 12,
    webSearches: 2,
  };
  assert.deepEqual(metered, { usage, besides: [] });
});

test("a cache write that is not split lives for five minutes", () => {
  const usage = { input_tokens: 1, cache_creation_input_tokens: 9, cache_creation: null, output_tokens: 1 };
  assert.deepEqual(anthropicMetered(usage)?.usage, { ...none, input: 10, cacheWrite5m: 9, output: 1 });
  const split = { input_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 4 }, output_tokens: 1 };
  assert.deepEqual(anthropicMetered(split)?.usage, { ...none, input: 5, cacheWrite1h: 4, output: 1 });
});

test("compaction and advice stand besides under their models; the answer's own iterations are in it already", () => {
  const counts = (input_tokens: number, output_tokens: number) => ({ input_tokens, output_tokens });
  const metered = anthropicMetered({
    ...counts(180, 8),
    iterations: [
      { type: "compaction", ...counts(100, 20), cache_creation_input_tokens: 55_000 },
      { type: "advisor_message", model: "wise", ...counts(40, 50) },
      { type: "message", model: "m", ...counts(90, 4) },
      { type: "fallback_message", model: "other", ...counts(90, 4) },
      { type: "constructor", ...counts(1, 1) },
    ],
  });
  assert.deepEqual(metered, {
    usage: { ...none, input: 180, output: 8 },
    besides: [
      {
        kind: "compaction",
        model: undefined,
        usage: { ...none, input: 55_100, cacheWrite5m: 55_000, output: 20 },
      },
      { kind: "advisor", model: "wise", usage: { ...none, input: 40, output: 50 } },
    ],
  });
});

test("everything that changes the rates is told", () => {
  const ratesOf = (fields: object) =>
    anthropicMetered({ input_tokens: 1, output_tokens: 1, ...fields })?.serviceTier;
  assert.equal(ratesOf({ service_tier: "priority" }), "priority");
  assert.equal(ratesOf({ service_tier: "batch" }), "batch");
  assert.equal(ratesOf({ speed: "fast", service_tier: "standard" }), "fast");
  assert.equal(ratesOf({ inference_geo: "us" }), "us");
  assert.equal(ratesOf({ speed: "fast", inference_geo: "us" }), "fast+us");
  assert.equal(ratesOf({ speed: "standard", inference_geo: "global", service_tier: "standard" }), undefined);
  assert.equal(ratesOf({ inference_geo: "not_available", speed: null, service_tier: {} }), undefined);
});

test("what is told later replaces what was told before, unless it is null", () => {
  const start = { input_tokens: 43, cache_read_input_tokens: 5, output_tokens: 1, service_tier: "priority" };
  const all = merged(merged({}, start), {
    input_tokens: 61,
    cache_read_input_tokens: null,
    output_tokens: 2,
  });
  assert.deepEqual(anthropicMetered(all), {
    usage: { ...none, input: 66, cacheRead: 5, output: 2 },
    besides: [],
    serviceTier: "priority",
  });
});

test("a count that is none makes it all unknown", () => {
  const good = { input_tokens: 1, output_tokens: 1 };
  for (const bad of [-1, 1.5, "1", {}, 2 ** 53]) {
    for (const field of ["input_tokens", "output_tokens", "cache_read_input_tokens"]) {
      assert.equal(anthropicMetered({ ...good, [field]: bad }), undefined);
    }
    assert.equal(anthropicMetered({ ...good, server_tool_use: { web_search_requests: bad } }), undefined);
    const iterations = [{ type: "compaction", input_tokens: bad, output_tokens: 1 }];
    assert.equal(anthropicMetered({ ...good, iterations }), undefined);
  }
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(anthropicMetered({ ...good, input_tokens: most, cache_read_input_tokens: most }), undefined);
  for (const part of [{}, { input_tokens: 1 }, { output_tokens: 1 }]) {
    assert.equal(anthropicMetered(part), undefined);
  }
  const zero = { input_tokens: 0, output_tokens: 0 };
  assert.deepEqual(anthropicMetered(zero)?.usage, { ...none, input: 0, output: 0 });
});
