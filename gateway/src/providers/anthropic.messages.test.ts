import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anthropicError, anthropicMessages } from "./anthropic.messages.ts";
import { tapped } from "./tap.testing.ts";
import { wireContract } from "./wire.contract.ts";

const named = (type: string, fields: object = {}) => ({ name: type, data: { type, ...fields } });

const twins = fc
  .record({
    text: fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), { maxLength: 6 }),
    input: fc.nat(1000),
    more: fc.nat(1000),
    read: fc.nat(1000),
    written: fc.nat(1000),
    longer: fc.nat(1000),
    output: fc.integer({ min: 1, max: 1000 }),
    advice: fc.option(fc.nat(100)),
    speed: fc.constantFrom("standard", "fast", null),
    hasNames: fc.boolean(),
    hasPing: fc.boolean(),
  })
  .map(({ text, input, more, read, written, longer, output, advice, speed, hasNames, hasPing }) => {
    const cache_creation = {
      ephemeral_1h_input_tokens: Math.min(longer, written),
      ephemeral_5m_input_tokens: written - Math.min(longer, written),
    };
    const first = {
      input_tokens: input,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written,
      cache_creation,
      service_tier: "standard",
      speed,
    };
    const later = {
      input_tokens: input + more,
      cache_read_input_tokens: null,
      output_tokens: output,
      ...(advice === null
        ? {}
        : {
            iterations: [
              { type: "message", input_tokens: input + more, output_tokens: output },
              { type: "advisor_message", model: "wise", input_tokens: advice, output_tokens: advice },
            ],
          }),
    };
    const message = { id: "m1", type: "message", role: "assistant", model: "m-2", stop_reason: null };
    const events = [
      named("message_start", { message: { ...message, content: [], usage: { ...first, output_tokens: 1 } } }),
      ...(hasPing ? [named("ping")] : []),
      named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
      ...text.map((part) =>
        named("content_block_delta", { index: 0, delta: { type: "text_delta", text: part } }),
      ),
      named("content_block_stop", { index: 0 }),
      named("message_delta", { delta: { stop_reason: "end_turn" }, usage: later }),
      named("message_stop"),
    ];
    return {
      whole: {
        ...message,
        content: [{ type: "text", text: text.join("") }],
        stop_reason: "end_turn",
        usage: { ...first, ...later, cache_read_input_tokens: read },
      },
      stream: hasNames ? events : events.map(({ data }) => ({ data })),
    };
  });

wireContract({
  wire: anthropicMessages,
  text: ["text", "thinking", "partial_json"],
  finish: ["stop_reason"],
  twins,
});

const sse = (...events: { name: string; data: object }[]): Buffer[] => [
  Buffer.from(events.map(({ name, data }) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("")),
];
const start = (usage: object, model = "m") => named("message_start", { message: { model, usage } });

test("a stream that breaks after its start knows the input, and that the output is not counted", () => {
  const end = tapped(anthropicMessages, sse(start({ input_tokens: 43, output_tokens: 1 })));
  assert.equal(end.metered?.usage.input, 43);
  assert.equal(end.isOutputCounted, false);
  assert.equal(end.complete, false);
});

test("the usage passes, and only the end is held back", () => {
  const events = [
    start({ input_tokens: 43, output_tokens: 1 }),
    named("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 9 } }),
  ];
  const end = tapped(anthropicMessages, sse(...events, named("message_stop")));
  assert.deepEqual([end.passed], sse(...events));
  assert.deepEqual([end.tail], sse(named("message_stop")));
  assert.equal(end.isOutputCounted, true);
});

test("an answer of a model that took over is told under its name", () => {
  const iterations = [
    { type: "message", model: "first", input_tokens: 408, output_tokens: 0 },
    { type: "fallback_message", model: "second", input_tokens: 412, output_tokens: 264 },
  ];
  const usage = { input_tokens: 412, output_tokens: 264, iterations };
  const end = tapped(
    anthropicMessages,
    sse(start({ input_tokens: 408, output_tokens: 1 }, "first"), named("message_delta", { usage })),
  );
  assert.equal(end.model, "second");
  assert.deepEqual(
    [end.metered?.usage.input, end.metered?.usage.output, end.metered?.besides],
    [412, 264, []],
  );
});

test("an error in a stream has the status that goes with its type", () => {
  const error = { type: "overloaded_error", message: "Overloaded" };
  const end = tapped(anthropicMessages, sse(named("error", { error })));
  assert.deepEqual(end.error, { message: "Overloaded", status: 529, code: "overloaded_error" });
  const details = { error_code: "enforced_spend_limit_reached" };
  const spent = anthropicError({ type: "error", error: { type: "billing_error", message: "No", details } });
  assert.deepEqual(spent, { message: "No", status: 402, code: "enforced_spend_limit_reached" });
  assert.deepEqual(anthropicError({ error: { type: "toString", message: "No" } }), {
    message: "No",
    code: "toString",
  });
  assert.equal(anthropicError({ type: "message" }), undefined);
});
