import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { googleError, googleGenerate } from "./google.generate.ts";
import { tapped } from "./tap.testing.ts";
import { wireContract } from "./wire.contract.ts";

const candidate = (text: string, more: object = {}) => ({
  index: 0,
  content: { role: "model", parts: [{ text }] },
  ...more,
});

const twins = fc
  .record({
    text: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), {
      minLength: 1,
      maxLength: 6,
    }),
    prompt: fc.nat(1000),
    tools: fc.option(fc.nat(100)),
    cached: fc.nat(1000),
    thoughts: fc.nat(1000),
    audio: fc.nat(100),
    startsSilent: fc.boolean(),
  })
  .map(({ text, prompt, tools, cached, thoughts, audio, startsSilent }) => {
    const usageAfter = (words: number) => ({
      promptTokenCount: prompt,
      ...(tools === null ? {} : { toolUsePromptTokenCount: tools }),
      cachedContentTokenCount: cached,
      candidatesTokenCount: words,
      thoughtsTokenCount: thoughts,
      totalTokenCount: prompt + (tools ?? 0) + words + thoughts,
      promptTokensDetails: [{ modality: "AUDIO", tokenCount: audio }],
    });
    const common = { modelVersion: "m-2", responseId: "r" };
    const parts = text.map((part, at) => ({
      ...common,
      candidates: [candidate(part)],
      usageMetadata: startsSilent ? { trafficType: "ON_DEMAND" } : usageAfter(at + 1),
    }));
    const usageMetadata = usageAfter(text.length);
    const finish = { finishReason: "STOP" };
    return {
      whole: { ...common, candidates: [candidate(text.join(""), finish)], usageMetadata },
      stream: [...parts, { ...common, candidates: [finish], usageMetadata }].map((data) => ({ data })),
    };
  });

wireContract({
  wire: googleGenerate,
  text: ["text", "stringValue"],
  finish: ["finishReason", "blockReason"],
  twins,
});

const sse = (...events: object[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

test("the event that gives a reason to stop, and what follows it, is held back and read", () => {
  const first = {
    candidates: [candidate("a")],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 1 },
  };
  const last = { candidates: [candidate("b", { finishReason: "STOP" })] };
  const after = { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 } };
  const end = tapped(googleGenerate, [Buffer.from(sse(first, last)), Buffer.from(sse(after))]);
  assert.equal(end.passed.toString(), sse(first));
  assert.equal(end.tail.toString(), sse(last, after));
  assert.equal(end.metered?.usage.output, 2);
  assert.equal(end.textBytes, 2);
  assert.ok(end.complete && end.finished);
});

test("a prompt that was blocked is a whole answer", () => {
  const blocked = { promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 3 } };
  const end = tapped(googleGenerate, [Buffer.from(sse(blocked))]);
  assert.ok(end.complete);
  assert.equal(end.metered?.usage.input, 3);
  assert.equal(googleGenerate.whole(blocked).isAnswer, true);
});

test("an error has Google's own name for it", () => {
  const error = { code: 429, message: "Quota", status: "RESOURCE_EXHAUSTED", details: [] };
  const expected = { message: "Quota", status: 429, code: "RESOURCE_EXHAUSTED" };
  assert.deepEqual(googleError({ error }), expected);
  assert.deepEqual(tapped(googleGenerate, [Buffer.from(sse({ error }))]).error, expected);
  assert.equal(googleError({ candidates: [] }), undefined);
});
