import assert from "node:assert/strict";
import { test } from "node:test";
import { googleMetered } from "./google.usage.ts";

const none = { cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
const metered = (usageMetadata: unknown) => googleMetered({ usageMetadata });

test("what tools put in is input, thoughts are output", () => {
  const usage = metered({
    promptTokenCount: 100,
    cachedContentTokenCount: 60,
    toolUsePromptTokenCount: 15,
    candidatesTokenCount: 20,
    thoughtsTokenCount: 300,
    totalTokenCount: 435,
  });
  assert.deepEqual(usage, {
    usage: { ...none, input: 115, cacheRead: 60, output: 320, reasoning: 300 },
    besides: [],
  });
});

test("sound and pictures are told apart, cached or not", () => {
  const list = (audio: number, image: number) => [
    { modality: "TEXT", tokenCount: 10 },
    { modality: "AUDIO", tokenCount: audio },
    { modality: "IMAGE", tokenCount: image },
    { modality: "VIDEO", tokenCount: 7 },
  ];
  const usage = metered({
    promptTokenCount: 100,
    cachedContentTokenCount: 20,
    candidatesTokenCount: 50,
    promptTokensDetails: list(30, 20),
    cacheTokensDetails: list(8, 5),
    candidatesTokensDetails: list(12, 6),
  })?.usage;
  assert.deepEqual(usage, {
    ...none,
    input: 100,
    cacheRead: 20,
    output: 50,
    audioInput: 22,
    imageInput: 15,
    cachedAudioInput: 8,
    cachedImageInput: 5,
    audioOutput: 12,
    imageOutput: 6,
  });
});

test("a missing count among others is zero; none at all is no usage", () => {
  assert.deepEqual(metered({ promptTokenCount: 9 })?.usage, { ...none, input: 9, output: 0 });
  assert.deepEqual(metered({ promptTokenCount: 0 })?.usage, { ...none, input: 0, output: 0 });
  for (const nothing of [undefined, null, {}, { trafficType: "ON_DEMAND" }, "usage", []]) {
    assert.equal(metered(nothing), undefined);
  }
});

test("a count that is none makes it all unknown", () => {
  for (const bad of [-1, 1.5, "1", {}]) {
    assert.equal(metered({ promptTokenCount: 1, thoughtsTokenCount: bad }), undefined);
    const promptTokensDetails = [{ modality: "TEXT", tokenCount: bad }];
    assert.equal(metered({ promptTokenCount: 1, promptTokensDetails }), undefined);
  }
});

test("a tier or traffic that is not the standard one is told", () => {
  const tierOf = (fields: object) => metered({ promptTokenCount: 1, ...fields })?.serviceTier;
  assert.equal(tierOf({ serviceTier: "PRIORITY" }), "priority");
  assert.equal(tierOf({ serviceTier: "flex" }), "flex");
  assert.equal(tierOf({ trafficType: "ON_DEMAND_FLEX" }), "flex");
  assert.equal(tierOf({ serviceTier: "STANDARD", trafficType: "ON_DEMAND" }), undefined);
  assert.equal(tierOf({ trafficType: "PROVISIONED_THROUGHPUT" }), undefined);
});
