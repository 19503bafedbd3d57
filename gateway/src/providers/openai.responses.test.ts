import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAiResponses } from "./openai.responses.ts";
import { tapped } from "./tap.testing.ts";
import { wireContract } from "./wire.contract.ts";

const named = (type: string, fields: object = {}) => ({ name: type, data: { type, ...fields } });

const twins = fc
  .record({
    text: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), { maxLength: 6 }),
    input: fc.nat(1000),
    cached: fc.nat(1200),
    output: fc.nat(1000),
    reasoning: fc.nat(1000),
    searches: fc.nat(3),
    images: fc.nat(2),
    isWhole: fc.boolean(),
    hasNames: fc.boolean(),
  })
  .map(({ text, input, cached, output, reasoning, searches, images, isWhole, hasNames }) => {
    const common = { id: "r1", object: "response", model: "m-2", service_tier: "priority", error: null };
    const end = isWhole ? "completed" : "incomplete";
    const whole = {
      ...common,
      status: end,
      output: [{ type: "message", content: [{ type: "output_text", text: text.join("") }] }],
      usage: {
        input_tokens: input,
        input_tokens_details: { cached_tokens: cached },
        output_tokens: output,
        output_tokens_details: { reasoning_tokens: reasoning },
        total_tokens: input + output,
      },
      tool_usage: {
        web_search: { num_requests: searches },
        image_gen: { input_tokens: images * 10, output_tokens: images * 500 },
      },
      tools: [{ type: "image_generation", model: "draw" }],
    };
    const events = [
      named("response.created", { response: { ...common, status: "in_progress", output: [], usage: null } }),
      ...text.map((delta) => named("response.output_text.delta", { output_index: 0, delta })),
      named("response.output_text.done", { output_index: 0, text: text.join("") }),
      named(`response.${end}`, { response: whole }),
    ];
    return { whole, stream: hasNames ? events : events.map(({ data }) => ({ data })) };
  });

wireContract({ wire: openAiResponses, text: ["delta"], finish: [], twins });

const sse = (...events: { name: string; data: object }[]): Buffer[] => [
  Buffer.from(events.map(({ name, data }) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("")),
];

test("a failed response says why, whichever event tells it, and is held back", () => {
  const error = { code: "server_error", message: "Sorry." };
  const failed = named("response.failed", { response: { status: "failed", error, usage: null } });
  const silent = named("response.failed", { response: { status: "failed", error: null } });
  for (const events of [
    [failed],
    [named("error", error)],
    [named("error", { error })],
    [named("error", error), silent],
  ]) {
    const end = tapped(openAiResponses, sse(...events));
    assert.deepEqual(end.error, { message: "Sorry.", code: "server_error" });
    assert.equal(end.metered, undefined);
  }
  const end = tapped(openAiResponses, sse(silent));
  assert.ok(end.error);
  assert.ok(end.complete);
  assert.equal(end.passed.length, 0);
});

test("the event that tells the usage is itself the end", () => {
  const response = { model: "m", usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 } };
  const delta = named("response.output_text.delta", { delta: "a" });
  const end = tapped(openAiResponses, sse(delta, named("response.completed", { response })));
  assert.deepEqual([end.passed], sse(delta));
  assert.deepEqual([end.tail], sse(named("response.completed", { response })));
  assert.equal(end.metered?.usage.output, 2);
});
