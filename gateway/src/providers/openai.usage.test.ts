import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAiUsage } from "./openai.usage.ts";

const none = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };

test("cached tokens are part of the input, reasoning part of the output", () => {
  const usage = openAiUsage({
    prompt_tokens: 100,
    completion_tokens: 50,
    total_tokens: 150,
    prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 20 },
  });
  const expected = {
    input: 100,
    cacheRead: 60,
    cacheWrite5m: 30,
    cacheWrite1h: 0,
    output: 50,
    reasoning: 20,
  };
  assert.deepEqual(usage, expected);
});

test("the total decides where reasoning is left out of the completion", () => {
  const xai = {
    prompt_tokens: 12,
    completion_tokens: 1,
    total_tokens: 303,
    completion_tokens_details: { reasoning_tokens: 290 },
  };
  assert.deepEqual(openAiUsage(xai), { ...none, input: 12, output: 291, reasoning: 290 });
  const gemini = { prompt_tokens: 66, completion_tokens: 6, total_tokens: 100 };
  assert.deepEqual(openAiUsage(gemini), { ...none, input: 66, output: 34 });
});

test("a total that is too small changes nothing", () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 3 };
  assert.deepEqual(openAiUsage(usage), { ...none, input: 10, output: 5 });
});

test("DeepSeek's and the flat spelling of cached tokens are understood", () => {
  const deepseek = {
    prompt_tokens: 20,
    completion_tokens: 1,
    prompt_cache_hit_tokens: 8,
    prompt_cache_miss_tokens: 12,
  };
  assert.equal(openAiUsage(deepseek)?.cacheRead, 8);
  assert.equal(openAiUsage({ prompt_tokens: 20, completion_tokens: 1, cached_tokens: 7 })?.cacheRead, 7);
});

test("embeddings have no output", () => {
  assert.deepEqual(openAiUsage({ prompt_tokens: 5, total_tokens: 5 }), { ...none, input: 5, output: 0 });
});

test("an explicit zero is a zero", () => {
  assert.deepEqual(openAiUsage({ prompt_tokens: 0, completion_tokens: 0 }), { ...none, input: 0, output: 0 });
});

test("counts that are missing or no counts are not usage", () => {
  const good = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const bad = [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "1", true, [], {}];
  const fields = ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"];
  for (const field of fields) {
    for (const value of bad)
      assert.equal(openAiUsage({ ...good, [field]: value }), undefined, `${field} ${value}`);
  }
  for (const value of bad) {
    assert.equal(openAiUsage({ ...good, prompt_tokens_details: { cached_tokens: value } }), undefined);
    assert.equal(openAiUsage({ ...good, prompt_tokens_details: { cache_write_tokens: value } }), undefined);
    assert.equal(openAiUsage({ ...good, completion_tokens_details: { reasoning_tokens: value } }), undefined);
  }
  for (const value of [undefined, null, {}, [], "usage", 7, { prompt_tokens: 1 }, { completion_tokens: 1 }]) {
    assert.equal(openAiUsage(value), undefined);
  }
});

test("null details are no details", () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: null, prompt_tokens_details: null };
  assert.deepEqual(openAiUsage(usage), { ...none, input: 3, output: 4 });
});

test("audio and image tokens are told where there are any", () => {
  const usage = openAiUsage({
    prompt_tokens: 100,
    completion_tokens: 40,
    total_tokens: 140,
    prompt_tokens_details: { cached_tokens: 60, audio_tokens: 30, image_tokens: 20, text_tokens: 50 },
    completion_tokens_details: { audio_tokens: 25, image_tokens: 0, rejected_prediction_tokens: 5 },
  });
  const expected = { ...none, input: 100, cacheRead: 60, output: 40, audioInput: 30, imageInput: 10 };
  assert.deepEqual(usage, { ...expected, audioOutput: 25 });
});

test("Mistral's own count of cached tokens lowers no bill", () => {
  const usage = { prompt_tokens: 20, completion_tokens: 1, total_tokens: 21, num_cached_tokens: 16 };
  assert.deepEqual(openAiUsage(usage), { ...none, input: 20, output: 1 });
});

const count = fc.oneof(fc.nat({ max: 1000 }), fc.nat(), fc.constant(undefined), fc.constant(null));
const garbage = fc.oneof(count, fc.anything());
const wire = (value: fc.Arbitrary<unknown>) =>
  fc.record(
    {
      prompt_tokens: value,
      completion_tokens: value,
      total_tokens: value,
      cached_tokens: value,
      prompt_cache_hit_tokens: value,
      prompt_tokens_details: fc.option(
        fc.record({ cached_tokens: value, cache_write_tokens: value }, { requiredKeys: [] }),
      ),
      completion_tokens_details: fc.option(fc.record({ reasoning_tokens: value }, { requiredKeys: [] })),
    },
    { requiredKeys: [] },
  );

test("whatever is reported, a usage keeps its invariants", () => {
  fc.assert(
    fc.property(fc.oneof(wire(count), wire(garbage), fc.anything()), (reported) => {
      const usage = openAiUsage(reported);
      if (usage === undefined) return;
      for (const value of Object.values(usage)) assert.ok(Number.isSafeInteger(value) && value >= 0);
      assert.ok(usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h <= usage.input);
      assert.ok(usage.reasoning <= usage.output);
    }),
    { numRuns: 5000 },
  );
});

test("counts that agree with each other are taken as they are", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), fc.nat(), (uncached, cached, text, reasoning) => {
      const usage = openAiUsage({
        prompt_tokens: uncached + cached,
        completion_tokens: text + reasoning,
        total_tokens: uncached + cached + text + reasoning,
        prompt_tokens_details: { cached_tokens: cached },
        completion_tokens_details: { reasoning_tokens: reasoning },
      });
      const expected = {
        ...none,
        input: uncached + cached,
        cacheRead: cached,
        output: text + reasoning,
        reasoning,
      };
      assert.deepEqual(usage, expected);
    }),
  );
});
