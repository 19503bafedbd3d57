import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAiMetered } from "./openai.metered.ts";

const none = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
const counts = (input: number, output: number) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
});

test("the cache statistics in Groq's whole answers are not token counts", () => {
  assert.equal(
    openAiMetered({ x_groq: { usage: { dram_cached_tokens: 5, sram_cached_tokens: 6 } } }),
    undefined,
  );
  const streamed = openAiMetered({ usage: null, x_groq: { usage: counts(5, 6) } });
  assert.deepEqual(streamed, { usage: { ...none, input: 5, output: 6 }, besides: [] });
});

test("a tier that is not the standard one is told", () => {
  const usage = counts(1, 1);
  const tierOf = (service_tier: unknown) => openAiMetered({ usage, service_tier })?.serviceTier;
  for (const tier of ["priority", "flex", "batch"]) assert.equal(tierOf(tier), tier);
  for (const tier of [
    "default",
    "auto",
    "on_demand",
    "standard",
    "scale",
    "",
    null,
    7,
    "x".repeat(99),
    "a b",
  ]) {
    assert.equal(tierOf(tier), undefined);
  }
});

test("what the provider says that a call cost is taken to the last pico-dollar", () => {
  const costOf = (usage: object) => openAiMetered({ usage: { ...counts(1, 1), ...usage } })?.providerCostPico;
  assert.equal(costOf({ cost_in_usd_ticks: 1_721_250 }), 172_125_000n);
  assert.equal(costOf({ cost: 0.00014 }), 140_000_000n);
  assert.equal(costOf({ cost: 1e-7 }), 100_000n);
  assert.equal(costOf({ cost: 0.1 + 0.2 }), 300_000_000_000n);
  assert.equal(costOf({ cost: 0 }), 0n);
  assert.equal(costOf({ cost: 5e-324 }), 0n);
  assert.equal(
    costOf({ cost: 0.001, is_byok: true, cost_details: { upstream_inference_cost: 0.02 } }),
    21_000_000_000n,
  );
  for (const cost of [-1, 1e300, "1", null, {}, Number.NaN]) assert.equal(costOf({ cost }), undefined);
  for (const ticks of [-1, 1.5, "1", null]) assert.equal(costOf({ cost_in_usd_ticks: ticks }), undefined);
});

test("the parts of several models stand besides, and nothing is counted twice", () => {
  const models = [
    { model: "a", usage: counts(100, 10) },
    { model: "b", usage: counts(30, 5) },
  ];
  const expected = {
    usage: { ...none, input: 0, output: 0 },
    besides: [
      { kind: "submodel", model: "a", usage: { ...none, input: 100, output: 10 } },
      { kind: "submodel", model: "b", usage: { ...none, input: 30, output: 5 } },
    ],
  };
  const usage = counts(130, 15);
  assert.deepEqual(openAiMetered({ usage, usage_breakdown: { models } }), expected);
  assert.deepEqual(openAiMetered({ x_groq: { usage, usage_breakdown: { models } } }), expected);
  const rest = openAiMetered({ usage: counts(140, 15), usage_breakdown: { models } });
  assert.deepEqual(rest?.usage, { ...none, input: 10, output: 0 });
});

test("parts that are more than the sum, or no parts, leave the sum alone", () => {
  const usage = counts(10, 10);
  const alone = { usage: { ...none, input: 10, output: 10 }, besides: [] };
  for (const models of [
    [{ model: "a", usage: counts(11, 0) }],
    [
      { model: "a", usage: counts(6, 1) },
      { model: "b", usage: counts(5, 1) },
    ],
    [{ model: "a", usage: { prompt_tokens: -1, completion_tokens: 1 } }],
    [{ usage: counts(1, 1) }],
    [],
    "a",
    null,
  ]) {
    assert.deepEqual(openAiMetered({ usage, usage_breakdown: { models } }), alone);
  }
});

test("the parts and what is left of the sum always add up to it", () => {
  const part = fc.record({
    model: fc.constantFrom("a", "b"),
    usage: fc.record({
      prompt_tokens: fc.nat(50),
      completion_tokens: fc.nat(50),
      prompt_tokens_details: fc.option(fc.record({ cached_tokens: fc.nat(60) })),
    }),
  });
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), fc.array(part, { maxLength: 5 }), (input, output, models) => {
      const metered = openAiMetered({ usage: counts(input, output), usage_breakdown: { models } });
      assert.ok(metered);
      const all = [metered.usage, ...metered.besides.map(({ usage }) => usage)];
      assert.equal(
        all.reduce((sum, usage) => sum + usage.input, 0),
        input,
      );
      assert.equal(
        all.reduce((sum, usage) => sum + usage.output, 0),
        output,
      );
    }),
  );
});
