import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chatBound } from "./bound.chat.ts";
import {
  type Bound,
  DEFAULT_OUTPUT_TOKENS,
  inputCeiling,
  inputEstimate,
  outputTokensFor,
  reserveFor,
} from "./bound.ts";
import { costOf } from "./cost.ts";
import { ratesFrom } from "./rates.ts";
import { usageOf } from "./testing.ts";

const rates = ratesFrom({ input: "3", cachedInput: "0.3", output: "15" });

function read(body: Record<string, unknown>): Bound {
  const read = chatBound(body, Buffer.byteLength(JSON.stringify(body)));
  assert.ok(read.valid);
  return read.bound;
}

function faultsOf(body: Record<string, unknown>): readonly string[] {
  const read = chatBound(body, 100);
  return read.valid ? [] : read.faults.map(({ path }) => path);
}

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const image = (url: unknown) => ({ type: "image_url", image_url: { url, detail: "high" } });

test("every spelling of the output limit caps the output, and the largest counts", () => {
  assert.equal(read({ max_tokens: 5 }).outputCap, 5);
  assert.equal(read({ max_completion_tokens: 6 }).outputCap, 6);
  assert.equal(read({ max_output_tokens: 7, max_tokens: 3, max_completion_tokens: null }).outputCap, 7);
  assert.equal(read({}).outputCap, undefined);
});

test("choices multiply the output", () => {
  assert.equal(read({}).choices, 1);
  assert.equal(read({ n: 3 }).choices, 3);
  assert.equal(read({ n: 3, best_of: 5 }).choices, 5);
  const one = reserveFor(read({ max_tokens: 10 }), rates, { underBudget: false });
  const three = reserveFor({ ...read({ max_tokens: 10 }), choices: 3 }, rates, { underBudget: false });
  assert.equal(three.wantPico - one.wantPico, 20n * rates.output);
});

test("a limit that is not a sensible integer is a fault of its field", () => {
  for (const value of [0, -1, 1.5, "10", Number.NaN, Number.POSITIVE_INFINITY, 1e300, true, [1], {}]) {
    assert.deepEqual(faultsOf({ max_tokens: value }), ["max_tokens"]);
    assert.deepEqual(faultsOf({ n: value }), ["n"]);
  }
  assert.deepEqual(faultsOf({ max_tokens: 0, max_completion_tokens: 0, n: 129 }), [
    "max_completion_tokens",
    "max_tokens",
    "n",
  ]);
});

test("an inline image counts as an image and not as text", () => {
  const data = `data:image/png;base64,${"A".repeat(100_000)}`;
  const bound = read(user([{ type: "text", text: "what is this?" }, image(data)]));
  assert.equal(bound.images, 1);
  assert.ok(bound.textBytes < 200);
  assert.equal(inputCeiling(bound), bound.textBytes + 700 + 4_800);
  assert.deepEqual(bound.unbounded, []);
  const asText = read(user([{ type: "input_image", image_url: data }]));
  assert.deepEqual([asText.images, asText.textBytes < 200], [1, true]);
});

test("an image named by an address counts as an image", () => {
  assert.equal(read(user([image("https://example.org/a.png"), { type: "image_url" }])).images, 2);
});

test("text cannot hide as an image", () => {
  const text = `data:image/png;base64,${"A".repeat(5_000)}`;
  assert.ok(read(user(text)).textBytes > 5_000);
  assert.ok(read(user([{ type: "text", text }])).textBytes > 5_000);
});

test("what the body does not bound is named", () => {
  const paths = (body: Record<string, unknown>) => read(body).unbounded.map(({ path }) => path);
  assert.deepEqual(
    paths(
      user([
        { type: "text", text: "a" },
        { type: "file", file: { file_id: "f" } },
      ]),
    ),
    ["messages[0].content[1]"],
  );
  assert.deepEqual(paths(user([image("data:application/pdf;base64,AAAA"), "text", null])), [
    "messages[0].content[0]",
    "messages[0].content[1]",
    "messages[0].content[2]",
  ]);
  assert.deepEqual(paths({ messages: [{ role: "assistant", audio: { id: "a" } }, null, 7] }), [
    "messages[0].audio",
  ]);
  assert.deepEqual(paths({ tools: [{ type: "function" }, { type: "web_search" }, null], plugins: [] }), [
    "plugins",
    "tools[1]",
    "tools[2]",
  ]);
  assert.deepEqual(paths({ web_search_options: {}, prediction: null, messages: "no list" }), [
    "web_search_options",
  ]);
  assert.equal(paths(user(Array.from({ length: 50 }, () => ({ type: "file" })))).length, 10);
});

test("tools add the hidden instructions that come with them", () => {
  const plain = read({});
  assert.equal(plain.hasTools, false);
  assert.equal(read({ tools: [{ type: "function" }] }).hasTools, true);
  assert.equal(read({ functions: [{}] }).hasTools, true);
  assert.equal(inputEstimate({ ...plain, hasTools: true }) - inputEstimate(plain), 650);
});

test("without a budget the reservation is an estimate and asks for all of it", () => {
  const bound = { ...read({}), textBytes: 3_000 };
  const reserve = reserveFor(bound, rates, { underBudget: false });
  assert.equal(reserve.wantPico, 1_050n * rates.input + BigInt(DEFAULT_OUTPUT_TOKENS) * rates.output);
  assert.equal(reserve.needPico, reserve.wantPico);
});

test("under a budget sixteen output tokens must be possible, or as few as were asked for", () => {
  const open = reserveFor(read({}), rates, { underBudget: true });
  assert.equal(open.needPico, open.inputPico + 16n * rates.output);
  assert.equal(outputTokensFor(open, open.wantPico), DEFAULT_OUTPUT_TOKENS);
  assert.equal(outputTokensFor(open, open.needPico), 16);
  const short = reserveFor(read({ max_tokens: 3 }), rates, { underBudget: true });
  assert.equal(short.needPico, short.wantPico);
  assert.equal(outputTokensFor(short, short.wantPico), 3);
});

test("under a budget the input is held at its dearest rate", () => {
  const dear = ratesFrom({ input: "3", cachedInput: "0.3", cacheWrite1h: "6", output: "15" });
  const bound = { ...read({}), textBytes: 300 };
  assert.equal(reserveFor(bound, dear, { underBudget: true }).inputPico, 1_000n * dear.cacheWrite1h);
});

test("a call that asks for a service tier is held at the dearer of that and the standard, and estimated as asked", () => {
  const served = ratesFrom({
    input: "3",
    output: "15",
    serviceTiers: new Map([
      ["fast", { input: "18", output: "90" }],
      ["flex", { input: "1.5", output: "7.5" }],
    ]),
  });
  const stepOf = (body: Record<string, unknown>, underBudget: boolean) =>
    reserveFor(read(body), served, { underBudget }).stepPico;
  assert.equal(stepOf({ speed: "fast" }, true), 90_000_000n);
  assert.equal(stepOf({ service_tier: "flex" }, true), 15_000_000n);
  assert.equal(stepOf({ service_tier: "flex" }, false), 7_500_000n);
  assert.equal(stepOf({ service_tier: "unheard-of" }, true), 15_000_000n);
});

test("a model that costs nothing needs nothing", () => {
  const free = ratesFrom({ input: "0", output: "0" });
  const reserve = reserveFor(read({ max_tokens: 100 }), free, { underBudget: true });
  assert.deepEqual([reserve.needPico, reserve.wantPico, outputTokensFor(reserve, 0n)], [0n, 0n, 100]);
});

test("no call that keeps to its granted output can cost more than was granted", () => {
  const usages = fc.record({ share: fc.nat(1_000), kind: fc.nat(3), output: fc.nat(1_000) });
  const bodies = fc.record({
    textBytes: fc.nat(1_000_000),
    outputCap: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
    choices: fc.integer({ min: 1, max: 8 }),
    room: fc.nat(1_000),
  });
  const dear = ratesFrom({
    input: "3",
    cachedInput: "0.3",
    cacheWrite5m: "3.75",
    cacheWrite1h: "6",
    output: "15",
  });
  fc.assert(
    fc.property(bodies, usages, ({ room, ...size }, usage) => {
      const bound: Bound = {
        images: 0,
        imageBytes: 0,
        hears: false,
        hasTools: false,
        unbounded: [],
        ...size,
      };
      const reserve = reserveFor(bound, dear, { underBudget: true });
      const granted = reserve.needPico + ((reserve.wantPico - reserve.needPico) * BigInt(room)) / 1_000n;
      const tokens = outputTokensFor(reserve, granted);
      assert.ok(Number.isInteger(tokens) && tokens >= Math.min(16, reserve.outputTokens));
      assert.ok(tokens <= reserve.outputTokens);
      const input = Math.floor((inputCeiling(bound) * usage.share) / 1_000);
      const kinds = [{}, { cacheRead: input }, { cacheWrite5m: input }, { cacheWrite1h: input }];
      const output = bound.choices * Math.floor((tokens * usage.output) / 1_000);
      assert.ok(costOf(usageOf({ input, output, ...kinds[usage.kind] }), dear) <= granted);
    }),
    { numRuns: 2_000 },
  );
});

test("any JSON at all has a bound, and none of its numbers is NaN", () => {
  const bodies = fc.dictionary(
    fc.constantFrom("messages", "tools", "functions", "n", "max_tokens", "model", "plugins", "prediction"),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      const read = chatBound(body, Buffer.byteLength(JSON.stringify(body)));
      if (!read.valid) return;
      for (const number of [read.bound.textBytes, read.bound.images, inputCeiling(read.bound)]) {
        assert.ok(Number.isSafeInteger(number) && number >= 0);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("ten megabytes of anything are read in linear time", () => {
  const bodies = [
    user("a".repeat(10_000_000)),
    user([image(`data:image/png;base64,${"A".repeat(10_000_000)}`)]),
    user([image(`data:image/${"a".repeat(10_000_000)}`)]),
    user(Array.from({ length: 300_000 }, () => ({ type: "x" }))),
    { messages: Array.from({ length: 500_000 }, () => ({ role: "user" })) },
  ];
  for (const body of bodies) {
    const start = performance.now();
    assert.ok(chatBound(body, 10_000_000).valid);
    assert.ok(performance.now() - start < 5_000);
  }
});
