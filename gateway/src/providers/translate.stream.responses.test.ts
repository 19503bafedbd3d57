import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fields, objectsOf } from "./json.ts";
import {
  chatAnswerToResponse,
  messagesAnswerToResponse,
  messagesStreamToResponse,
} from "./translate.answer.responses.ts";
import { RESPONSE, toldByItems, toldByResponse } from "./translate.responses.testing.ts";
import { chatStreamToResponse } from "./translate.stream.responses.ts";
import { answerBlocks, throughout, words } from "./translate.testing.ts";

const usage = {
  prompt_tokens: 95,
  completion_tokens: 40,
  prompt_tokens_details: { cached_tokens: 70, cache_write_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 9 },
};
const responseUsage = {
  input_tokens: 95,
  input_tokens_details: { cached_tokens: 70, cache_write_tokens: 20 },
  output_tokens: 40,
  output_tokens_details: { reasoning_tokens: 9 },
  total_tokens: 135,
};
const anthropicUsage = {
  input_tokens: 5,
  cache_read_input_tokens: 70,
  cache_creation_input_tokens: 20,
  output_tokens: 40,
  output_tokens_details: { thinking_tokens: 9 },
};

const chunk = (delta: Fields, finish_reason: string | null = null): Fields => ({
  choices: [{ index: 0, delta, finish_reason }],
});
const callChunk = (call: Fields): Fields => chunk({ tool_calls: [call] });
const ended = (reason: string): readonly Fields[] => [chunk({}, reason), { choices: [], usage }];

const piece = fc.oneof(
  words.map((content) => [chunk({ content })]),
  words.map((reasoning_content) => [chunk({ reasoning_content })]),
  fc
    .tuple(fc.uuid(), fc.nat(), fc.array(words, { maxLength: 3 }))
    .map(([id, index, parts]) => [
      callChunk({ index, id, function: { name: "look", arguments: "" } }),
      ...parts.map((text) => callChunk({ index, function: { arguments: text } })),
    ]),
);

function told(chunks: readonly Fields[], asked: Fields = RESPONSE.asked) {
  return toldByResponse(throughout(chatStreamToResponse({ ...RESPONSE, asked }), chunks));
}

test("whatever a chat model streams arrives as items in its order, one after the other", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const chunks = pieces.flat();
      const deltas = chunks.flatMap(({ choices }) => objectsOf(choices).map(({ delta }) => delta as Fields));
      const { text, thinking, calls, usage: counted } = told([...chunks, ...ended("stop")]);
      assert.equal(text, deltas.map(({ content = "" }) => content).join(""));
      assert.equal(thinking, deltas.map(({ reasoning_content = "" }) => reasoning_content).join(""));
      const named = deltas.flatMap(({ tool_calls }) => objectsOf(tool_calls)).filter(({ id }) => id);
      assert.deepEqual(
        calls.map(({ id }) => id),
        named.map(({ id }) => id),
      );
      assert.deepEqual(counted, responseUsage);
    }),
  );
});

test("an answer of Anthropic's is the same response whole and streamed, with thoughts, text and calls in order", () => {
  fc.assert(
    fc.property(answerBlocks, (content) => {
      const answer = { type: "message", content, stop_reason: "end_turn", usage: anthropicUsage };
      const blocks = content.flatMap((block, index) => blockEvents(block, index));
      const last = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: anthropicUsage };
      const start = { type: "message_start", message: { usage: { ...anthropicUsage, output_tokens: 1 } } };
      const events = [start, ...blocks, last, { type: "message_stop" }];
      const { response } = toldByResponse(throughout(messagesStreamToResponse(RESPONSE), events));
      assert.deepEqual(response, messagesAnswerToResponse(answer, RESPONSE));
      assert.deepEqual(response.usage, responseUsage);
      const said = toldByItems(objectsOf(response.output));
      const joined = (type: string, field: string) =>
        objectsOf(content)
          .filter((block) => block.type === type)
          .map((block) => block[field])
          .join("");
      assert.equal(said.text, joined("text", "text"));
      assert.equal(said.thinking, joined("thinking", "thinking"));
      const inputs = objectsOf(content)
        .filter(({ type }) => type === "tool_use")
        .map(({ input }) => input);
      assert.deepEqual(
        said.calls.map(({ json }) => json),
        inputs.map((input) => JSON.stringify(input)),
      );
    }),
  );
});

function blockEvents(block: Fields, index: number): readonly Fields[] {
  const { type, text, thinking, input } = block;
  const start = { type: "content_block_start", index };
  const stop = { type: "content_block_stop", index };
  const delta = (fields: Fields) => ({ type: "content_block_delta", index, delta: fields });
  if (type === "tool_use") {
    const json = { type: "input_json_delta", partial_json: JSON.stringify(input) };
    return [{ ...start, content_block: { ...block, input: {} } }, delta(json), stop];
  }
  const opened = { ...start, content_block: { type, text: "", thinking: "", signature: "" } };
  if (type === "text") return [opened, delta({ type: "text_delta", text }), stop];
  const signed = delta({ type: "signature_delta", signature: block.signature });
  return [opened, delta({ type: "thinking_delta", thinking }), signed, stop];
}

test("whatever a provider sends in whatever order, the events stay well formed", () => {
  const index = fc.constantFrom(0, 1, undefined);
  const odd = fc.oneof(fc.anything(), fc.constant({ toString: 1, valueOf: 1 }));
  const call = fc.record({ index, id: fc.constantFrom("a", "b", "", undefined), function: odd });
  const detail = fc.record({ format: fc.constant("anthropic-claude-v1"), signature: odd, data: odd });
  const delta = fc.oneof(
    odd,
    fc.record({
      content: fc.oneof(odd, fc.constant("a")),
      reasoning: fc.constantFrom("b", undefined),
      reasoning_details: fc.array(detail, { maxLength: 1 }),
      tool_calls: fc.array(call, { maxLength: 2 }),
    }),
  );
  const choice = fc.record({ delta, finish_reason: fc.constantFrom("stop", null) }).map((one) => [one]);
  const anyChunk = fc.record({ choices: fc.oneof(odd, choice), usage: odd }, { requiredKeys: [] });
  const message = fc.constantFrom<Fields>(
    { type: "message_start", message: {} },
    ...blockEvents({ type: "thinking", thinking: "abc", signature: "s" }, 0),
    ...blockEvents({ type: "tool_use", id: "a", name: "f", input: { a: 1 } }, 1),
    { type: "content_block_start", index: 0, content_block: { type: "redacted_thinking", data: "d" } },
    { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    { type: "message_stop" },
  );
  fc.assert(
    fc.property(
      fc.array(anyChunk, { maxLength: 8 }),
      fc.array(message, { maxLength: 12 }),
      (chunks, events) => {
        toldByResponse(throughout(chatStreamToResponse(RESPONSE), chunks as Fields[]));
        toldByResponse(throughout(messagesStreamToResponse(RESPONSE), events));
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a call is told by name, piece by piece and whole, and one without arguments has an empty object", () => {
  const events = throughout(chatStreamToResponse(RESPONSE), [
    callChunk({ index: 0, id: "call_a", function: { name: "look", arguments: '{"at":' } }),
    callChunk({ index: 0, function: { arguments: '"sea"}' } }),
    callChunk({ index: 1, id: "call_b", function: { name: "stop" } }),
    ...ended("tool_calls"),
  ]);
  assert.deepEqual(
    events.map(({ type, delta, name, arguments: json }) =>
      [type, delta ?? json, name].filter(Boolean).join(" "),
    ),
    [
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      'response.function_call_arguments.delta {"at":',
      'response.function_call_arguments.delta "sea"}',
      'response.function_call_arguments.done {"at":"sea"} look',
      "response.output_item.done",
      "response.output_item.added",
      "response.function_call_arguments.delta {}",
      "response.function_call_arguments.done {} stop",
      "response.output_item.done",
      "response.completed",
    ],
  );
});

test("a custom tool is called with its text, which may hold anything", () => {
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 9 }), (input, size) => {
      const json = JSON.stringify({ input });
      const pieces = json.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
      const asked = { tools: [{ type: "custom", name: "patch" }] };
      const { calls, response } = told(
        [
          callChunk({ index: 0, id: "call_a", function: { name: "patch", arguments: "" } }),
          ...pieces.map((text) => callChunk({ index: 0, function: { arguments: text } })),
          ...ended("tool_calls"),
        ],
        asked,
      );
      assert.deepEqual(calls, [{ id: "call_a", name: "patch", json: input }]);
      assert.equal(objectsOf(response.output)[0]?.type, "custom_tool_call");
    }),
  );
});

test("an answer that was cut off or filtered is incomplete, and says why", () => {
  for (const [reason, status, details, item] of [
    ["length", "incomplete", { reason: "max_output_tokens" }, "incomplete"],
    ["content_filter", "incomplete", { reason: "content_filter" }, "incomplete"],
    ["stop", "completed", null, "completed"],
  ] as const) {
    const { response } = told([chunk({ content: "Half" }), ...ended(reason)]);
    assert.deepEqual([response.status, response.incomplete_details], [status, details]);
    assert.equal(objectsOf(response.output)[0]?.status, item);
  }
  const blocked = chatAnswerToResponse({ choices: [], usage }, RESPONSE);
  assert.deepEqual(blocked.incomplete_details, { reason: "content_filter" });
});

test("a refusal is a refusal", () => {
  const { response } = told([chunk({ refusal: "I may not." }), ...ended("stop")]);
  assert.deepEqual(objectsOf(response.output)[0]?.content, [{ type: "refusal", refusal: "I may not." }]);
});

test("an error inside the stream ends it as failed, and nothing follows", () => {
  const stream = chatStreamToResponse(RESPONSE);
  const failed = { error: { message: "Slow down", code: "rate_limit_exceeded" } };
  const events = throughout(stream, [
    chunk({ content: "a" }),
    failed,
    chunk({ content: "b" }),
    ...ended("stop"),
  ]);
  const { error, response } = toldByResponse(events);
  assert.deepEqual([error?.code, error?.message], ["rate_limit_exceeded", "Slow down"]);
  assert.deepEqual(response.error, { code: "rate_limit_exceeded", message: "Slow down" });
  assert.equal(stream.complete, false);
  assert.deepEqual(stream.fail({ code: "x", message: "y" }), []);
});

test("a stream that breaks ends as failed, whatever was said before", () => {
  for (const said of [
    [],
    [chunk({ content: "a" })],
    [callChunk({ index: 0, id: "c", function: { name: "f" } })],
  ]) {
    const stream = chatStreamToResponse(RESPONSE);
    const events = [
      ...said.flatMap((each) => stream.push(each)),
      ...stream.fail({ code: "CUT", message: "Cut." }),
    ];
    assert.equal(toldByResponse(events).response.status, "failed");
    assert.deepEqual(stream.end(), []);
  }
});

test("the arguments of two calls that are mixed are a failure, not a wrong call", () => {
  const { error } = told([
    callChunk({ index: 0, id: "a", function: { name: "f", arguments: "{" } }),
    callChunk({ index: 1, id: "b", function: { name: "g", arguments: "{" } }),
    callChunk({ index: 0, function: { arguments: "}" } }),
  ]);
  assert.match(String(error?.message), /mixed the arguments/);
});

test("a response repeats what was asked, and says that it is not stored", () => {
  const asked = {
    input: "Hello",
    instructions: "Be brief.",
    metadata: { order: "7" },
    reasoning: { effort: "low", summary: "auto" },
    tools: [{ type: "function", name: "f", parameters: {} }],
    parallel_tool_calls: false,
    store: true,
  };
  const { response } = told(ended("stop"), asked);
  const { instructions, metadata, reasoning, tools, parallel_tool_calls } = asked;
  for (const [name, value] of Object.entries({
    instructions,
    metadata,
    reasoning,
    tools,
    parallel_tool_calls,
  })) {
    assert.deepEqual(response[name], value, name);
  }
  assert.equal(response.store, false);
  assert.deepEqual(response.output, []);
});
