import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PICO_PER_USD, picoFromUsd } from "../lib/money.ts";
import { costOf } from "./cost.ts";
import type { Kind, Known } from "./rates.kinds.ts";
import { lists } from "./rates.testing.ts";
import { dearest, type RatesPerMillion, ratesFrom } from "./rates.ts";
import { usageOf } from "./testing.ts";
import type { Usage } from "./usage.ts";

const sonnet = ratesFrom({
  input: "3",
  cachedInput: "0.30",
  cacheWrite5m: "3.75",
  cacheWrite1h: "6",
  output: "15",
});

test("cached input is charged at its own rate and not twice", () => {
  const cost = costOf(usageOf({ input: 1_000, cacheRead: 600, output: 100 }), sonnet);
  assert.equal(cost, picoFromUsd("0.00288")); // 400 × 3 + 600 × 0.30 + 100 × 15, per million
});

test("cache writes are charged by how long they are kept", () => {
  const usage = usageOf({ input: 1_000, cacheRead: 100, cacheWrite5m: 200, cacheWrite1h: 300, output: 10 });
  assert.equal(costOf(usage, sonnet), picoFromUsd("0.00393")); // 400 × 3 + 100 × 0.30 + 200 × 3.75 + 300 × 6 + 10 × 15
});

test("reasoning is part of the output and costs nothing besides", () => {
  assert.equal(
    costOf(usageOf({ output: 100, reasoning: 90 }), sonnet),
    costOf(usageOf({ output: 100 }), sonnet),
  );
});

test("more cached input than input never makes a call cheaper than its cached part", () => {
  assert.equal(costOf(usageOf({ input: 10, cacheRead: 1_000 }), sonnet), picoFromUsd("0.0003"));
});

test("audio and images are charged once, at their own rates, also where they come from a cache", () => {
  const rates = ratesFrom({
    input: "4",
    cachedInput: "0.4",
    audioInput: "32",
    imageInput: "5",
    cachedAudioInput: "0.5",
    cachedImageInput: "0.6",
    output: "16",
    audioOutput: "64",
    imageOutput: "32",
  });
  const usage = usageOf({
    input: 1_000,
    audioInput: 200,
    imageInput: 100,
    cacheRead: 500,
    cachedAudioInput: 50,
    cachedImageInput: 40,
    output: 300,
    audioOutput: 120,
    imageOutput: 80,
  });
  const input = 200 * 4 + 200 * 32 + 100 * 5 + 410 * 0.4 + 50 * 0.5 + 40 * 0.6;
  const output = 100 * 16 + 120 * 64 + 80 * 32;
  assert.equal(costOf(usage, rates), picoFromUsd("0.019753"));
  assert.equal((input + output) / 1e6, 0.019753);
});

test("searches are charged by the use, besides the tokens", () => {
  const own = ratesFrom({ input: "1", webSearch: "25", output: "1" });
  const usage = usageOf({ output: 1, webSearches: 3, fileSearches: 2 });
  assert.equal(costOf(usage, own), picoFromUsd("0.080001")); // 3 × 0.025 + 2 × 0.0025 + 1 × 0.000001
});

test("details beyond what they lie within are each charged, and leave nothing below zero", () => {
  const rates = ratesFrom({ input: "1", cachedInput: "1", audioInput: "10", output: "1", imageOutput: "20" });
  const usage = usageOf({
    input: 5,
    audioInput: 10,
    cacheRead: 1,
    cachedAudioInput: 7,
    output: 2,
    imageOutput: 9,
  });
  assert.equal(costOf(usage, rates), picoFromUsd("0.000287")); // 10 × 10 + 7 × 1 + 9 × 20
});

test("nothing used costs nothing", () => {
  assert.equal(costOf(usageOf({}), sonnet), 0n);
});

const count = fc.nat(1_000_000_000);
/** Every token once. */
const partsOf = fc.record({
  input: count,
  cachedInput: count,
  cacheWrite5m: count,
  cacheWrite1h: count,
  audioInput: count,
  imageInput: count,
  cachedAudioInput: count,
  cachedImageInput: count,
  output: count,
  audioOutput: count,
  imageOutput: count,
  webSearch: fc.nat(10_000),
  fileSearch: fc.nat(10_000),
});
type Parts = Readonly<Record<Kind, number>>;

function usageFrom(parts: Parts): Usage {
  const { cacheWrite5m, cacheWrite1h, audioInput, imageInput, cachedAudioInput, cachedImageInput } = parts;
  const { audioOutput, imageOutput, webSearch: webSearches, fileSearch: fileSearches } = parts;
  const cacheRead = parts.cachedInput + cachedAudioInput + cachedImageInput;
  return {
    input: parts.input + audioInput + imageInput + cacheRead + cacheWrite5m + cacheWrite1h,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    output: parts.output + audioOutput + imageOutput,
    reasoning: 0,
    ...{ audioInput, imageInput, cachedAudioInput, cachedImageInput, audioOutput, imageOutput },
    ...{ webSearches, fileSearches },
  };
}

test("a cost equals the sum of fractions that the price list prints, to the last pico-dollar", () => {
  fc.assert(
    fc.property(partsOf, lists, (parts, list) => {
      const usage = usageFrom(parts);
      const [numerator, denominator] = fractionOfUsd(parts, list);
      assert.equal(costOf(usage, ratesFrom(list)) * denominator, numerator * PICO_PER_USD);
    }),
    { numRuns: 2_000 },
  );
});

test("above a threshold the whole call is charged at the tier, from its first token on and its output too", () => {
  const rates = ratesFrom({
    input: "1.25",
    cachedInput: "0.125",
    output: "10",
    tiers: [{ aboveInput: 200_000, input: "2.50", cachedInput: "0.25", output: "15" }],
  });
  const at = (input: number) => costOf(usageOf({ input, cacheRead: 150_000, output: 1_000 }), rates);
  assert.equal(at(200_000), picoFromUsd("0.09125")); // 50,000 × 1.25 + 150,000 × 0.125 + 1,000 × 10
  assert.equal(at(200_001), picoFromUsd("0.1775025")); // 50,001 × 2.50 + 150,000 × 0.25 + 1,000 × 15
});

test("no call costs more than its tokens at the dearest rates that they can have", () => {
  fc.assert(
    fc.property(partsOf, lists, fc.nat(1_000_000), (parts, list, unused) => {
      const usage = usageFrom({ ...parts, webSearch: 0, fileSearch: 0 });
      const rates = ratesFrom(list);
      const most = dearest([rates], { mostInput: usage.input + unused });
      const bound = BigInt(usage.input + unused) * most.input + BigInt(usage.output) * most.output;
      assert.ok(costOf(usage, rates) <= bound);
    }),
    { numRuns: 2_000 },
  );
});

test("whatever a provider says, no cost is below zero, and more of a detail never costs less", () => {
  const counts = fc.record(
    Object.fromEntries(Object.keys(usageFrom(noParts)).map((name) => [name, fc.nat(1_000)])),
  ) as unknown as fc.Arbitrary<Usage>;
  const rates = ratesFrom({ input: "1", cachedInput: "1", audioInput: "2", imageOutput: "9", output: "3" });
  fc.assert(
    fc.property(counts, (usage) => {
      const cost = costOf(usage, rates);
      assert.ok(cost >= 0n);
      const more = { ...usage, audioInput: usage.audioInput! + 1, imageOutput: usage.imageOutput! + 1 };
      assert.ok(costOf(more, rates) > cost);
    }),
    { numRuns: 2_000 },
  );
});

const noParts: Parts = {
  ...{ input: 0, cachedInput: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, webSearch: 0, fileSearch: 0 },
  ...{
    audioInput: 0,
    imageInput: 0,
    cachedAudioInput: 0,
    cachedImageInput: 0,
    audioOutput: 0,
    imageOutput: 0,
  },
};

/** The same cost as a fraction of USD, computed from the printed decimals without pico-dollars. */
function fractionOfUsd(parts: Parts, { tiers = [], ...base }: RatesPerMillion): readonly [bigint, bigint] {
  const { input } = usageFrom(parts);
  let list: Known<string> & { aboveInput?: number } = base;
  for (const tier of tiers) {
    if (input > tier.aboveInput && tier.aboveInput >= (list.aboveInput ?? 0)) list = tier;
  }
  const cached = list.cachedInput ?? list.input;
  const perMillion: readonly (readonly [number, string])[] = [
    [parts.input, list.input],
    [parts.cachedInput, cached],
    [parts.cacheWrite5m, list.cacheWrite5m ?? list.input],
    [parts.cacheWrite1h, list.cacheWrite1h ?? list.cacheWrite5m ?? list.input],
    [parts.audioInput, list.audioInput ?? list.input],
    [parts.imageInput, list.imageInput ?? list.input],
    [parts.cachedAudioInput, list.cachedAudioInput ?? list.cachedInput ?? list.audioInput ?? list.input],
    [parts.cachedImageInput, list.cachedImageInput ?? list.cachedInput ?? list.imageInput ?? list.input],
    [parts.output, list.output],
    [parts.audioOutput, list.audioOutput ?? list.output],
    [parts.imageOutput, list.imageOutput ?? list.output],
  ];
  const perThousand: readonly (readonly [number, string])[] = [
    [parts.webSearch, base.webSearch ?? "10.0"],
    [parts.fileSearch, base.fileSearch ?? "2.5"],
  ];
  let sum: readonly [bigint, bigint] = [0n, 1n];
  for (const [terms, zeros] of [
    [perMillion, "000000"],
    [perThousand, "000"],
  ] as const) {
    for (const [units, text] of terms) {
      const [whole, decimals] = text.split(".") as [string, string];
      const scale = `1${"0".repeat(decimals.length)}`;
      const numerator = BigInt(units) * (BigInt(whole) * BigInt(scale) + BigInt(decimals));
      sum = [sum[0] * BigInt(scale + zeros) + numerator * sum[1], sum[1] * BigInt(scale + zeros)];
    }
  }
  return sum;
}
