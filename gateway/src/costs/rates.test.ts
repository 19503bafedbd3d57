import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { lists } from "./rates.testing.ts";
import { dearest, type Rates, ratesAt, ratesFor, ratesFrom, ratesJson, ratesOfJson } from "./rates.ts";

test("a rate is exact from the price list on", () => {
  assert.deepEqual(ratesFrom({ input: "0.075", cachedInput: "0.0075", output: "3e-1" }), {
    input: 75_000n,
    cachedInput: 7_500n,
    cacheWrite5m: 75_000n,
    cacheWrite1h: 75_000n,
    output: 300_000n,
    audioInput: 75_000n,
    imageInput: 75_000n,
    cachedAudioInput: 7_500n,
    cachedImageInput: 7_500n,
    audioOutput: 300_000n,
    imageOutput: 300_000n,
    webSearch: 10_000_000_000n,
    fileSearch: 2_500_000_000n,
    tiers: [],
    serviceTiers: new Map(),
  });
});

test("a kind of input without a rate is charged as the kind it belongs to", () => {
  const rates = ratesFrom({ input: "3", cacheWrite5m: "3.75", output: "15" });
  assert.equal(rates.cachedInput, 3_000_000n);
  assert.equal(rates.cacheWrite1h, 3_750_000n);
  assert.equal(ratesFrom({ input: "3", cacheWrite1h: "6", output: "15" }).cacheWrite5m, 3_000_000n);
});

test("audio and images without a rate of their own are charged as what they lie within", () => {
  const audio = ratesFrom({ input: "3", audioInput: "32", output: "15" });
  assert.equal(audio.cachedAudioInput, 32_000_000n);
  assert.equal(audio.cachedImageInput, 3_000_000n);
  const cached = ratesFrom({
    input: "3",
    cachedInput: "0.3",
    audioInput: "32",
    imageOutput: "60",
    output: "15",
  });
  assert.equal(cached.cachedAudioInput, 300_000n);
  assert.deepEqual([cached.audioOutput, cached.imageOutput], [15_000_000n, 60_000_000n]);
});

test("a search costs the list price where nobody says otherwise, and never nothing by silence", () => {
  const { webSearch, fileSearch } = ratesFrom({ input: "3", output: "15" });
  assert.deepEqual([webSearch * 1_000n, fileSearch * 1_000n], [10_000_000_000_000n, 2_500_000_000_000n]);
  const own = ratesFrom({ input: "3", webSearch: "5", fileSearch: "0", output: "15" });
  assert.deepEqual([own.webSearch, own.fileSearch], [5_000_000_000n, 0n]);
});

test("a call has the rates of the service tier it was served in, and standard ones in a tier that nobody knows", () => {
  const priority = { input: "6", output: "30", tiers: [{ aboveInput: 100, input: "12", output: "60" }] };
  const rates = ratesFrom({
    input: "3",
    webSearch: "5",
    output: "15",
    serviceTiers: new Map([["priority", priority]]),
  });
  const served = ratesFor(rates, "priority");
  assert.deepEqual([served.input, served.cachedInput, served.output], [6_000_000n, 6_000_000n, 30_000_000n]);
  assert.deepEqual([ratesAt(served, 101).input, served.webSearch], [12_000_000n, 5_000_000_000n]);
  for (const name of [undefined, "default", "turbo", "constructor"])
    assert.equal(ratesFor(rates, name), rates);
});

test("of a service tier that joins several, what nobody knows changes nothing", () => {
  const tier = (input: string) => ({ input, output: "1" });
  const rates = ratesFrom({
    input: "1",
    output: "1",
    serviceTiers: new Map([
      ["fast", tier("6")],
      ["us", tier("2")],
      ["fast+us", tier("12")],
      ["batch", tier("0.5")],
    ]),
  });
  const inputOf = (name: string) => ratesFor(rates, name).input / 100_000n;
  assert.deepEqual(["fast+us", "priority+us", "priority+fast+us", "batch+us", "a+b"].map(inputOf), [
    120n,
    20n,
    120n,
    5n,
    10n,
  ]);
});

test("a rate that is negative or no number is refused", () => {
  assert.throws(() => ratesFrom({ input: "-1", output: "1" }), RangeError);
  assert.throws(() => ratesFrom({ input: "1", output: "cheap" }), RangeError);
});

const tiered = ratesFrom({
  input: "3",
  cachedInput: "0.3",
  output: "15",
  tiers: [
    { aboveInput: 500_000, input: "7", output: "40" },
    { aboveInput: 200_000, input: "6", cachedInput: "0.6", cacheWrite1h: "12", output: "22.5" },
  ],
});

test("a call of more input than a threshold has the tier's rates, and one of just as much has not", () => {
  assert.equal(ratesAt(tiered, 200_000).input, 3_000_000n);
  assert.equal(ratesAt(tiered, 200_001).input, 6_000_000n);
  assert.equal(ratesAt(tiered, 500_000).output, 22_500_000n);
  assert.equal(ratesAt(tiered, 500_001).output, 40_000_000n);
  assert.equal(ratesAt(tiered, 500_001).cachedInput, 7_000_000n);
});

test("the dearest rates are the most that one token of a call can cost", () => {
  const input = (list: Parameters<typeof ratesFrom>[0]) => dearest([ratesFrom(list)]).input;
  assert.equal(input({ input: "3", cachedInput: "0.3", output: "15" }), 3_000_000n);
  assert.equal(input({ input: "3", cacheWrite1h: "6", output: "15" }), 6_000_000n);
  assert.equal(input({ input: "3", cachedInput: "4", output: "15" }), 4_000_000n);
  assert.equal(input({ input: "3", audioInput: "40", output: "15" }), 40_000_000n);
  assert.equal(dearest([ratesFrom({ input: "3", imageOutput: "60", output: "15" })]).output, 60_000_000n);
  const both = dearest([ratesFrom({ input: "3", output: "15" }), ratesFrom({ input: "1", output: "30" })]);
  assert.deepEqual(both, { input: 3_000_000n, output: 30_000_000n });
  assert.deepEqual(dearest([tiered], { mostInput: 200_000 }), { input: 3_000_000n, output: 15_000_000n });
  assert.deepEqual(dearest([tiered], { mostInput: 200_001 }), { input: 12_000_000n, output: 22_500_000n });
  assert.deepEqual(dearest([tiered]), { input: 12_000_000n, output: 40_000_000n });
});

test("the ledger keeps rates as decimal digits", () => {
  const digits = {
    input: "590000",
    cachedInput: "590000",
    cacheWrite5m: "590000",
    cacheWrite1h: "590000",
    output: "790000",
  };
  assert.deepEqual(ratesJson(ratesFrom({ input: "0.59", output: "0.79" })), digits);
  const tier = { aboveInput: 128_000, input: "0.59", output: "0.79" };
  assert.deepEqual(ratesJson(ratesFrom({ input: "0.59", output: "0.79", tiers: [tier] })), {
    ...digits,
    tiers: [{ ...digits, aboveInput: 128_000 }],
  });
});

test("the ledger keeps a kind besides the plain ones only where it costs something of its own", () => {
  const rates = ratesFrom({ input: "1", audioInput: "32", imageInput: "1", webSearch: "10", output: "2" });
  const { audioInput, cachedAudioInput, ...plain } = ratesJson(rates);
  assert.deepEqual([audioInput, cachedAudioInput], ["32000000", "32000000"]);
  assert.deepEqual(Object.keys(plain), ["input", "cachedInput", "cacheWrite5m", "cacheWrite1h", "output"]);
});

test("the rates that the ledger keeps are read back exactly", () => {
  fc.assert(
    fc.property(lists, (list) => {
      const rates: Rates = ratesFrom(list);
      assert.deepEqual(ratesOfJson(JSON.parse(JSON.stringify(ratesJson(rates)))), rates);
    }),
    { numRuns: 2_000 },
  );
});

test("rates of sounds and images count only for a call that may have some", () => {
  const list = ratesFrom({ input: "1", audioInput: "3", imageInput: "5", output: "2" });
  for (const [content, input] of [
    [{}, 5n],
    [{ sees: false }, 3n],
    [{ hears: false, sees: false }, 1n],
  ] as const) {
    assert.equal(dearest([list], content).input, input * 1_000_000n);
  }
});
