import assert from "node:assert/strict";
import { test } from "node:test";
import { responsesMetered } from "./openai.responses.usage.ts";

const none = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
const usage = { input_tokens: 100, output_tokens: 40, total_tokens: 140 };
const plain = { ...none, input: 100, output: 40 };

test("cached, written and reasoning tokens are parts", () => {
  const metered = responsesMetered({
    usage: {
      ...usage,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
      output_tokens_details: { reasoning_tokens: 20 },
    },
    service_tier: "priority",
  });
  assert.deepEqual(metered, {
    usage: { ...plain, cacheRead: 60, cacheWrite5m: 30, reasoning: 20 },
    besides: [],
    serviceTier: "priority",
  });
});

test("more cached than put in: the input was told without it", () => {
  const metered = responsesMetered({ usage: { ...usage, input_tokens_details: { cached_tokens: 150 } } });
  assert.deepEqual(metered?.usage, { ...plain, input: 250, cacheRead: 150 });
});

test("searches are counted as the provider counts them, or by the calls among the output", () => {
  const output = [
    { type: "web_search_call", action: { type: "search" } },
    { type: "web_search_call", action: { type: "open_page" } },
    { type: "web_search_call" },
    { type: "file_search_call" },
    { type: "message" },
  ];
  const searches = (response: object) => {
    const found = responsesMetered({ usage, output, ...response })?.usage;
    return [found?.webSearches, found?.fileSearches];
  };
  assert.deepEqual(searches({}), [2, 1]);
  assert.deepEqual(searches({ tool_usage: { web_search: { num_requests: 1 } } }), [1, 1]);
  assert.deepEqual(searches({ tool_usage: { web_search: { num_requests: 0 } } }), [undefined, 1]);
  const server_side_tool_usage_details = { web_search_calls: 4, file_search_calls: 3 };
  assert.deepEqual(searches({ usage: { ...usage, server_side_tool_usage_details } }), [4, 3]);
});

test("drawn images stand besides, under the model of the tool", () => {
  const image_gen = {
    input_tokens: 50,
    input_tokens_details: { image_tokens: 30, text_tokens: 20 },
    output_tokens: 400,
    output_tokens_details: { image_tokens: 390, text_tokens: 10 },
    total_tokens: 450,
  };
  const drawn = { ...none, input: 50, imageInput: 30, output: 400, imageOutput: 390 };
  const besides = (response: object) =>
    responsesMetered({ usage, tool_usage: { image_gen }, ...response })?.besides;
  assert.deepEqual(besides({}), [{ kind: "submodel", model: "gpt-image-1", usage: drawn }]);
  const tools = [{ type: "web_search" }, { type: "image_generation", model: "gpt-image-2" }];
  assert.deepEqual(besides({ tools }), [{ kind: "submodel", model: "gpt-image-2", usage: drawn }]);
  const nothing = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
  assert.deepEqual(besides({ tool_usage: { image_gen: nothing } }), []);
});

test("xAI's own bill is taken", () => {
  const metered = responsesMetered({ usage: { ...usage, cost_in_usd_ticks: 123_456 } });
  assert.equal(metered?.providerCostPico, 12_345_600n);
});

test("a failed response has no usage, and a count that is none makes it all unknown", () => {
  assert.equal(responsesMetered({ usage: null }), undefined);
  assert.equal(responsesMetered({ usage: { ...usage, input_tokens: -1 } }), undefined);
  const tool_usage = { web_search: { num_requests: "many" } };
  assert.equal(responsesMetered({ usage, tool_usage }), undefined);
  assert.equal(responsesMetered({ usage, tool_usage: { image_gen: { input_tokens: 1.5 } } }), undefined);
  const zero = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
  assert.deepEqual(responsesMetered({ usage: zero })?.usage, { ...none, input: 0, output: 0 });
});
