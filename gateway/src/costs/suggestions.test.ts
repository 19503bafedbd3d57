import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { picoFromUsd, usdText } from "../lib/money.ts";
import { cheaperThan } from "./cheaper-models.ts";
import { costOf } from "./cost.ts";
import type { Price } from "./prices.ts";
import { ratesFrom } from "./rates.ts";
import { settlements } from "./settle.ts";
import { usedModels } from "./suggestions.history.ts";
import { basisOf, type Suggestion, suggestionsFrom } from "./suggestions.ts";
import { callOf, noTrouble, settlementOf, storeForTests, usageOf } from "./testing.ts";
import type { Usage } from "./usage.ts";

const store = await storeForTests();
const NOON = Date.UTC(2026, 2, 1, 12);
const sonnet = priceOf("claude-sonnet-4", { input: "3", cachedInput: "0.3", output: "15" });
const haiku = priceOf("claude-haiku-4.5", { input: "0.25", cachedInput: "0.025", output: "1.25" });

function priceOf(model: string, list: Parameters<typeof ratesFrom>[0]): Price {
  return { source: "shipped", id: `anthropic/${model}`, rates: ratesFrom(list) };
}

type Made = { readonly userId?: string; readonly operation?: string; readonly at?: number };

/** Calls of Claude Sonnet 4 by usr_ann, one for each usage. */
async function called(usages: readonly Partial<Usage>[], made: Made = {}): Promise<void> {
  const { settle } = settlements({
    db: store.db,
    clock: new VirtualClock(NOON),
    onSettled: () => {},
    onTrouble: noTrouble,
  });
  const { at = NOON, ...fields } = made;
  await Promise.all(
    usages.map((used) => {
      const usage = usageOf(used);
      const model = "claude-sonnet-4-20250514";
      const call = callOf({ createdAtMs: at, provider: "anthropic", model, price: sonnet, ...fields });
      return settle(
        settlementOf({ ...call, reservedPico: 0n }, { usage, costPico: costOf(usage, sonnet.rates) }),
      );
    }),
  );
}

const times = (count: number, usage: Partial<Usage>) => Array.from({ length: count }, () => usage);
const foundAt = async (price: Price | undefined): Promise<readonly Suggestion[]> =>
  suggestionsFrom(await usedModels(store.db, "usr_ann", "2026-01-31"), () => price);
const found = () => foundAt(haiku);
const kinds = (suggestions: readonly Suggestion[]) => suggestions.map(({ kind }) => kind);

test("a cheaper model is suggested with what the same tokens would have saved", async () => {
  await called(times(30, { input: 1_000, cacheRead: 400, output: 200 }));
  await called(times(30, { input: 1_000, output: 200 }), { userId: "usr_bob" });
  await called(times(30, { input: 1_000, output: 200 }), { at: Date.UTC(2026, 0, 30, 12) });
  const [suggestion, ...others] = await found();
  assert.deepEqual(others, []);
  // Sonnet: 600 × 3 + 400 × 0.3 + 200 × 15 = 4,920 µUSD. Haiku: 600 × 0.25 + 400 × 0.025 + 200 × 1.25 = 410.
  assert.equal(usdText(suggestion!.savingPico), "0.1353");
  assert.equal(suggestion!.savingPico, 30n * picoFromUsd("0.00451"));
  assert.deepEqual(
    [suggestion!.kind, suggestion!.operation, suggestion!.model, suggestion!.suggestedModel],
    ["cheaper_model", "chat", "claude-sonnet-4-20250514", "claude-haiku-4.5"],
  );
  assert.deepEqual(basisOf(suggestion!), {
    calls: 30,
    input_tokens: 30_000,
    cached_input_tokens: 12_000,
    output_tokens: 6_000,
    compared_calls: 30,
  });
});

test("no model is suggested that costs as much, or whose price nobody knows", async () => {
  await called(times(30, { input: 1_000, output: 200 }));
  for (const price of [sonnet, undefined, { ...haiku, source: "default" } as const]) {
    assert.deepEqual(await foundAt(price), []);
  }
});

test("calls so long that price lists may charge them otherwise are not compared", async () => {
  await called(times(20, { input: 1_000, output: 200 }));
  await called(times(5, { input: 128_001, output: 200 }));
  const [suggestion] = (await found()).filter(({ kind }) => kind === "cheaper_model");
  assert.deepEqual([suggestion?.from.calls, suggestion?.from.compared.calls], [25, 20]);
  // 20 × (1,000 × 2.75 + 200 × 13.75) µUSD
  assert.equal(usdText(suggestion!.savingPico), "0.11");
});

test("caching is suggested for long inputs of similar length that are hardly ever cached", async () => {
  await called(times(40, { input: 10_000, cacheRead: 1_000, output: 1 }));
  const [suggestion] = (await foundAt(undefined)).filter(({ kind }) => kind === "caching");
  // Half of 40 × 9,000 tokens at 3 − 0.3 USD per million.
  assert.equal(usdText(suggestion!.savingPico), "0.486");
  const { common_input_tokens, cacheable_tokens, repeated_percent } = basisOf(suggestion!);
  assert.deepEqual([common_input_tokens, cacheable_tokens, repeated_percent], [10_000, 360_000, 50]);
});

test("no caching is suggested where it is done, or inputs are short or have little in common", async () => {
  const cases = [
    times(40, { input: 10_000, cacheRead: 2_000, output: 1 }),
    times(40, { input: 1_000, output: 1 }),
    [...times(10, { input: 1_500, output: 1 }), ...times(30, { input: 40_000, output: 1 })],
  ];
  for (const [index, usages] of cases.entries()) {
    await called(usages, { operation: `case${index}` });
  }
  assert.ok(!kinds(await foundAt(undefined)).includes("caching"));
});

test("shorter output is suggested where some outputs are far above the operation's median", async () => {
  await called([...times(27, { input: 10, output: 100 }), ...times(3, { input: 10, output: 1_300 })]);
  const [suggestion, ...others] = await foundAt(undefined);
  assert.deepEqual([suggestion?.kind, others], ["output", []]);
  // 3 × (1,300 − 3 × 100) tokens at 15 USD per million.
  assert.equal(usdText(suggestion!.savingPico), "0.045");
  const { median_output_tokens, long_outputs, excess_output_tokens } = basisOf(suggestion!);
  assert.deepEqual([median_output_tokens, long_outputs, excess_output_tokens], [100, 3, 3_000]);
});

test("a thin history, and usage that no provider has reported, suggest nothing", async () => {
  await called(times(18, { input: 10_000, output: 200 }));
  await called([{ input: 10_000, output: 90_000 }]);
  assert.deepEqual(await found(), []);
  await called(times(40, { input: 10_000, output: 200 }), { userId: "usr_eve" });
  await store.db.updateTable("prompt_runs").set({ usage_source: "estimated", user_id: "usr_ann" }).execute();
  assert.deepEqual(await found(), []);
});

test("the largest saving comes first", async () => {
  await called(times(20, { input: 1_000, output: 10 }), { operation: "small" });
  await called(times(20, { input: 1_000, output: 1_000 }), { operation: "large" });
  assert.deepEqual(
    (await found()).map(({ operation }) => operation),
    ["large", "small"],
  );
});

test("dated and aliased names of a model have the same cheaper one, and unknown models none", () => {
  for (const name of ["claude-sonnet-4", "claude-sonnet-4-20250514", "claude-sonnet-4-0"]) {
    assert.equal(cheaperThan("anthropic", name), "claude-haiku-4.5");
  }
  assert.equal(cheaperThan("openai", "GPT-5.1-2025-11-13"), "gpt-5-mini");
  assert.equal(cheaperThan("anthropic", "claude-haiku-4.5"), undefined);
  assert.equal(cheaperThan("simulated", "sim-echo"), undefined);
});
