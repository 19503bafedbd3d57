import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelInfo, ModelPrice } from "@pydantic/genai-prices";
import fc from "fast-check";
import { isoTime } from "../lib/clock.ts";
import { PICO_PER_USD } from "../lib/money.ts";
import { openAiUsage } from "../providers/openai.usage.ts";
import { recorded, withoutRecorded } from "../providers/recorded.testing.ts";
import { catalogue } from "./catalogue.ts";
import { costOf } from "./cost.ts";
import { catalogueRowOf } from "./prices.rows.ts";
import { defaultRates } from "./prices.shipped.ts";
import { priceBook, priceOf } from "./prices.ts";
import type { Usage } from "./usage.ts";

const source = await import("@pydantic/genai-prices").catch(() => undefined);
const withSource = { skip: source === undefined && "@pydantic/genai-prices is not installed: npm install" };

const theirNames = new Map([["xai", "x-ai"]]);
const theirNameOf = (provider: string) => theirNames.get(provider) ?? provider;

/** Theirs, of all that are sold by the token, at a time. */
function pricedModels(at: number) {
  return catalogue()
    .models.filter(({ prices }) => prices.length > 0)
    .map(({ provider, model }) => {
      const providerId = theirNameOf(provider);
      const theirs = source?.findProvider({ providerId })?.models.find(({ id }) => id === model);
      return { provider, model, providerId, prices: pricesAt(theirs!, at) };
    });
}

/** The last whose day has come; before all of them the first, which has no day. */
function pricesAt({ prices }: ModelInfo, at: number): ModelPrice {
  if (!Array.isArray(prices)) return prices;
  const begun = prices.filter(
    ({ constraint }) => constraint?.type !== "start_date" || Date.parse(constraint.start_date) <= at,
  );
  return (begun.at(-1) ?? prices[0]!).prices;
}

/** Tokens of each kind apart, as the package names their price, and each one's count. */
const count = fc.oneof(fc.nat(50), fc.nat(300_000));
const counts = fc.record({
  input_mtok: count,
  cache_read_mtok: count,
  cache_write_mtok: count,
  cache_write_1h_mtok: count,
  input_audio_mtok: count,
  input_image_mtok: count,
  cache_audio_read_mtok: count,
  cache_image_read_mtok: count,
  output_mtok: count,
  output_audio_mtok: count,
  output_image_mtok: count,
  web_searches_kcount: fc.nat(20),
  storage_searches_kcount: fc.nat(20),
});
type Counts = typeof counts extends fc.Arbitrary<infer T> ? Readonly<T> : never;

/** Where a kind has no price in the package, it lies within the next. Searches then cost nothing there. */
const within: Readonly<Record<string, readonly string[]>> = {
  cache_read_mtok: ["input_mtok"],
  cache_write_mtok: ["input_mtok"],
  cache_write_1h_mtok: ["cache_write_mtok", "input_mtok"],
  input_audio_mtok: ["input_mtok"],
  input_image_mtok: ["input_mtok"],
  cache_audio_read_mtok: ["cache_read_mtok", "input_audio_mtok", "input_mtok"],
  cache_image_read_mtok: ["cache_read_mtok", "input_image_mtok", "input_mtok"],
  output_audio_mtok: ["output_mtok"],
  output_image_mtok: ["output_mtok"],
};

/** Exactly, in fractions of USD from the decimals that the package's numbers print. */
function fractionOfUsd(prices: ModelPrice, counts: Counts): readonly [bigint, bigint] {
  const { input } = usageOf(counts);
  return Object.entries(counts).reduce<readonly [bigint, bigint]>(
    ([sum, per], [unit, count]) => {
      const priced = [unit, ...(within[unit] ?? [])].find((each) => prices[each] !== undefined);
      if (priced === undefined) return [sum, per];
      const price = prices[priced]!;
      const tier =
        typeof price === "number"
          ? price
          : (price.tiers.findLast(({ start }) => input > start)?.price ?? price.base);
      const [whole, decimals = ""] = String(tier).split(".");
      const units = unit.endsWith("_kcount") ? 1_000n : 1_000_000n;
      const scale = 10n ** BigInt(decimals.length) * units;
      return [sum * scale + BigInt(count) * BigInt(whole + decimals) * per, per * scale];
    },
    [0n, 1n],
  );
}

function usageOf(counts: Counts): Usage {
  const { cache_audio_read_mtok: cachedAudioInput, cache_image_read_mtok: cachedImageInput } = counts;
  const { input_audio_mtok: audioInput, input_image_mtok: imageInput } = counts;
  const { output_audio_mtok: audioOutput, output_image_mtok: imageOutput } = counts;
  const { cache_write_mtok: cacheWrite5m, cache_write_1h_mtok: cacheWrite1h } = counts;
  const cacheRead = counts.cache_read_mtok + cachedAudioInput + cachedImageInput;
  return {
    input: counts.input_mtok + cacheRead + cacheWrite5m + cacheWrite1h + audioInput + imageInput,
    ...{ cacheRead, cacheWrite5m, cacheWrite1h, audioInput, imageInput, cachedAudioInput, cachedImageInput },
    output: counts.output_mtok + audioOutput + imageOutput,
    reasoning: 0,
    ...{ audioOutput, imageOutput },
    webSearches: counts.web_searches_kcount,
    fileSearches: counts.storage_searches_kcount,
  };
}

/** The same usage in the package's words, which count a part within its whole. */
function theirUsageOf(usage: Usage) {
  const { audioInput = 0, imageInput = 0, cachedAudioInput = 0, cachedImageInput = 0 } = usage;
  return {
    input_tokens: usage.input,
    cache_read_tokens: usage.cacheRead,
    cache_write_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_write_1h_tokens: usage.cacheWrite1h,
    input_audio_tokens: audioInput + cachedAudioInput,
    input_image_tokens: imageInput + cachedImageInput,
    cache_audio_read_tokens: cachedAudioInput,
    cache_image_read_tokens: cachedImageInput,
    output_tokens: usage.output,
    output_audio_tokens: usage.audioOutput ?? 0,
    output_image_tokens: usage.imageOutput ?? 0,
    web_searches: usage.webSearches ?? 0,
    storage_searches: usage.fileSearches ?? 0,
  };
}

const TIMES = [Date.UTC(2025, 0, 1), Date.UTC(2026, 8, 23), Date.UTC(2027, 0, 1)];

test(
  "every model of the catalogue costs what its source prints, for any usage, to the last pico-dollar",
  withSource,
  () => {
    const models = TIMES.flatMap((at) => pricedModels(at).map((each) => ({ ...each, at })));
    const compare = ({ provider, model, providerId, prices, at }: (typeof models)[number], drawn: Counts) => {
      const asked = {
        ...drawn,
        ...(prices.web_searches_kcount === undefined && { web_searches_kcount: 0 }),
        ...(prices.storage_searches_kcount === undefined && { storage_searches_kcount: 0 }),
      };
      const usage = usageOf(asked);
      const ours = costOf(usage, catalogueRowOf(provider, model, at)!.price.rates);
      const [numerator, denominator] = fractionOfUsd(prices, asked);
      const name = `${provider}/${model} ${isoTime(at)}`;
      assert.equal(ours * denominator, numerator * PICO_PER_USD, name);
      const options = { providerId, timestamp: new Date(at) };
      const second = source!.calcPrice(theirUsageOf(usage), model, options);
      if (second?.model.id !== model) return;
      const usd = Number(ours) / Number(PICO_PER_USD);
      assert.ok(
        Math.abs(usd - second.total_price) <= 1e-12 + 1e-12 * usd,
        `${name} ${usd} ${second.total_price}`,
      );
    };
    for (const model of models) {
      fc.assert(
        fc.property(counts, (drawn) => compare(model, drawn)),
        { numRuns: 12 },
      );
    }
    fc.assert(fc.property(fc.constantFrom(...models), counts, compare), { numRuns: 3_000 });
  },
);

test("recorded answers of xAI cost what it says that it bills for them", { skip: withoutRecorded }, () => {
  const book = priceBook({ operator: [], configured: [], defaults: defaultRates, unknown: "deny" });
  const answers = [...recorded(".json"), ...recorded(".chunks.txt")]
    .filter(({ text }) => text.includes("cost_in_usd_ticks"))
    .flatMap(({ name, text }) => {
      const events = name.endsWith(".json") ? [text] : text.trim().split("\n");
      const told = events
        .map((event) => JSON.parse(event))
        .findLast(({ usage }) => usage?.cost_in_usd_ticks !== undefined);
      return told === undefined ? [] : [{ name, told }];
    });
  assert.ok(answers.length >= 8);
  for (const { name, told } of answers) {
    const { rates } = priceOf(book, "xai", told.model, Date.UTC(2026, 1, 11))!;
    const cost = costOf(openAiUsage(told.usage)!, rates);
    assert.equal(cost, BigInt(told.usage.cost_in_usd_ticks) * 100n, name);
  }
});
