import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { openAiChat } from "./openai.chat.ts";
import { streamTap } from "./tap.ts";
import { messagesAnswerToChat } from "./translate.answer.chat.ts";
import { chatAnswerToMessages } from "./translate.answer.messages.ts";
import { CHAT_DONE, chatChunkBytes, eventsIn, namedEventBytes } from "./translate.sse.ts";
import { messagesStreamToChat } from "./translate.stream.chat.ts";
import { chatStreamToMessages } from "./translate.stream.messages.ts";
import {
  answerBlocks,
  CHAT,
  MESSAGE,
  throughout,
  toldByChunks,
  toldByEvents,
  words,
} from "./translate.testing.ts";

const usage = {
  input_tokens: 5,
  cache_read_input_tokens: 70,
  cache_creation_input_tokens: 20,
  output_tokens: 40,
  output_tokens_details: { thinking_tokens: 9 },
};
const chatUsage = {
  prompt_tokens: 95,
  completion_tokens: 40,
  total_tokens: 135,
  prompt_tokens_details: { cached_tokens: 70, cache_write_tokens: 20 },
  completion_tokens_details: { reasoning_tokens: 9 },
};

const whole = fc
  .tuple(answerBlocks, fc.constantFrom("end_turn", "max_tokens", "tool_use", "pause_turn"))
  .map(([content, stop_reason]) => ({ type: "message", role: "assistant", content, stop_reason, usage }));

/** A whole answer of messages as Anthropic streams it, in deltas of a few characters. */
function streamed(answer: Fields, size: number): readonly Fields[] {
  const message = { ...answer, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  const events: Fields[] = [{ type: "message_start", message }, { type: "ping" }];
  for (const [index, block] of objectsOf(answer.content).entries()) {
    const { type, text = "", thinking = "", input } = block;
    const isTool = type === "tool_use";
    const start = isTool ? { ...block, input: {} } : { type, text: "", thinking: "", signature: "" };
    events.push({ type: "content_block_start", index, content_block: start });
    const said = isTool ? JSON.stringify(input) : String(type === "text" ? text : thinking);
    for (const piece of isTool && said === "{}" ? [""] : pieces(said, size)) {
      const delta = isTool
        ? { type: "input_json_delta", partial_json: piece }
        : { type: `${type}_delta`, [String(type)]: piece };
      events.push({ type: "content_block_delta", index, delta });
    }
    events.push({ type: "content_block_stop", index });
  }
  const delta = { stop_reason: answer.stop_reason, stop_sequence: null };
  return [
    ...events,
    {
      type: "message_delta",
      delta,
      usage: { output_tokens: 40, output_tokens_details: { thinking_tokens: 9 } },
    },
    { type: "message_stop" },
  ];
}

function pieces(text: string, size: number): readonly string[] {
  return text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
}

const chatMessage = fc.record({
  reasoning_content: fc.option(words),
  content: fc.option(words),
  tool_calls: fc.array(
    fc.record({
      id: fc.uuid(),
      function: fc.record({ name: fc.constant("look"), arguments: fc.constantFrom("{}", '{"a":"b c"}') }),
    }),
    { maxLength: 3 },
  ),
});

/** A whole chat completion as OpenAI streams it. */
function chunked(message: Fields, finish_reason: string, size: number): readonly Fields[] {
  const chunk = (delta: Fields, reason: string | null = null): Fields => ({
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: reason }],
    usage: null,
  });
  const said = (field: string) =>
    pieces(String(message[field] ?? ""), size).map((text) => chunk({ [field]: text }));
  const calls = objectsOf(message.tool_calls).flatMap(({ id, function: named }, index) => {
    const { name, arguments: json } = fieldsOf(named);
    const first = { index, id, type: "function", function: { name, arguments: "" } };
    const rest = pieces(String(json), size).map((text) => ({ index, function: { arguments: text } }));
    return [first, ...rest].map((call) => chunk({ tool_calls: [call] }));
  });
  return [
    chunk({ role: "assistant", content: "" }),
    ...said("reasoning_content"),
    ...said("content"),
    ...calls,
    chunk({}, finish_reason),
    { object: "chat.completion.chunk", choices: [], usage: chatUsage },
  ];
}

test("the chunks of a stream add up to the whole answer", () => {
  fc.assert(
    fc.property(whole, fc.integer({ min: 1, max: 9 }), (answer, size) => {
      const told = toldByChunks(throughout(messagesStreamToChat(CHAT), streamed(answer, size)));
      const { choices, usage: wholeUsage } = messagesAnswerToChat(answer, CHAT);
      const [choice] = objectsOf(choices);
      const message = fieldsOf(choice?.message);
      assert.equal(told.text, message.content ?? "");
      assert.equal(told.thinking, message.reasoning_content ?? "");
      assert.equal(told.ending, choice?.finish_reason);
      const calls = objectsOf(message.tool_calls).map(({ id, function: named }) => {
        const { name, arguments: json } = fieldsOf(named);
        return { id, name, json };
      });
      assert.deepEqual(told.calls, calls);
      assert.deepEqual(told.usage, chatUsage);
      assert.deepEqual(wholeUsage, chatUsage);
    }),
    { numRuns: 500 },
  );
});

test("the events of a stream add up to the whole message", () => {
  fc.assert(
    fc.property(chatMessage, fc.integer({ min: 1, max: 9 }), (message, size) => {
      const finish = message.tool_calls.length > 0 ? "tool_calls" : "stop";
      const told = toldByEvents(throughout(chatStreamToMessages(MESSAGE), chunked(message, finish, size)));
      const answer = { choices: [{ message, finish_reason: finish }], usage: chatUsage };
      const translated = chatAnswerToMessages(answer, MESSAGE);
      const blocks = objectsOf(translated.content);
      assert.equal(told.text, blocks.find(({ type }) => type === "text")?.text ?? "");
      assert.equal(told.thinking, blocks.find(({ type }) => type === "thinking")?.thinking ?? "");
      const calls = blocks.filter(({ type }) => type === "tool_use");
      assert.deepEqual(
        told.calls.map(({ id, name, json }) => ({ type: "tool_use", id, name, input: JSON.parse(json) })),
        calls,
      );
      assert.equal(told.ending, translated.stop_reason);
      assert.deepEqual(told.usage, usage);
      assert.deepEqual(translated.usage, usage);
    }),
    { numRuns: 500 },
  );
});

test("a whole answer that goes to the other dialect and back is the same", () => {
  fc.assert(
    fc.property(whole, ({ content, ...rest }) => {
      const rank = ["thinking", "text", "tool_use"];
      const sorted = content.toSorted((a, b) => rank.indexOf(a.type) - rank.indexOf(b.type));
      const there = messagesAnswerToChat({ ...rest, content: sorted }, CHAT);
      const again = messagesAnswerToChat(chatAnswerToMessages(there, MESSAGE), CHAT);
      const stopped = (answer: Fields) => JSON.stringify({ ...answer, choices: 0 });
      assert.equal(stopped(again), stopped(there));
      assert.deepEqual(objectsOf(again.choices)[0]?.message, objectsOf(there.choices)[0]?.message);
    }),
  );
});

test("a stream that breaks off anywhere is well formed as far as it goes, and has no end", () => {
  fc.assert(
    fc.property(whole, fc.nat(), (answer, at) => {
      const events = streamed(answer, 3);
      const translator = messagesStreamToChat(CHAT);
      const told = toldByChunks(throughout(translator, events.slice(0, at % events.length)));
      assert.equal(translator.complete, false);
      assert.equal(told.ending, undefined);
      assert.equal(told.usage, undefined);
    }),
  );
  fc.assert(
    fc.property(chatMessage, fc.nat(), (message, at) => {
      const chunks = chunked(message, "stop", 3).slice(0, -2);
      const translator = chatStreamToMessages(MESSAGE);
      const told = toldByEvents(throughout(translator, chunks.slice(0, at % (chunks.length + 1))));
      assert.equal(translator.complete, false);
      assert.equal(told.ending, undefined);
    }),
  );
});

test("whatever events come in whatever order, a stream stays well formed", () => {
  const index = fc.constantFrom(0, 1, undefined);
  const odd = fc.oneof(fc.anything(), fc.constant({ toString: 1, valueOf: 1 }));
  const event = fc.oneof(
    fc.constantFrom<Fields>(
      ...streamed({ content: [{ type: "tool_use", id: "a", name: "f", input: { a: 1 } }] }, 4),
      ...streamed({ content: [{ type: "text", text: "abc" }] }, 2),
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    ),
    fc.record({ type: odd, index, delta: odd, content_block: odd, message: odd, usage: odd, error: odd }),
  );
  const call = fc.record({ index, id: fc.constantFrom("a", "b", "", undefined), function: odd });
  const delta = fc.oneof(
    odd,
    fc.record({ content: fc.oneof(odd, fc.constant("a")), tool_calls: fc.array(call, { maxLength: 2 }) }),
  );
  const chunk = fc.record(
    {
      choices: fc.oneof(
        odd,
        fc.record({ delta }).map((one) => [one]),
      ),
      usage: odd,
      error: fc.constant(undefined),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), fc.array(chunk, { maxLength: 8 }), (events, chunks) => {
      toldByChunks(throughout(messagesStreamToChat(CHAT), events as Fields[]));
      toldByEvents(throughout(chatStreamToMessages(MESSAGE), chunks as Fields[]));
    }),
    { numRuns: 3_000 },
  );
});

test("an error ends a stream, in the words of the other dialect", () => {
  const [start] = streamed({ content: [] }, 1);
  const failed = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const toChat = messagesStreamToChat(CHAT);
  const { error } = toldByChunks(throughout(toChat, [start!, failed, { type: "message_stop" }]));
  const words = { message: "Overloaded", type: "overloaded_error", param: null, code: "overloaded_error" };
  assert.deepEqual(error, words);
  assert.equal(toChat.complete, false);
  for (const [said, type] of [
    [{ message: "Slow down", code: 429 }, "rate_limit_error"],
    [{ message: "Overloaded", type: "overloaded_error" }, "overloaded_error"],
    [{ message: "No", code: "server_error" }, "api_error"],
  ] as const) {
    const events = throughout(chatStreamToMessages(MESSAGE), [{ error: said }]);
    assert.deepEqual(events, [{ type: "error", error: { type, message: said.message } }]);
  }
});

test("a second answer inside the first is an error, and one that merely begins twice is not", () => {
  const events = streamed({ content: [{ type: "text", text: "abc" }], stop_reason: "end_turn" }, 3);
  const twice = throughout(messagesStreamToChat(CHAT), [events[0]!, ...events]);
  assert.equal(toldByChunks(twice).text, "abc");
  const spliced = throughout(messagesStreamToChat(CHAT), [...events.slice(0, 4), ...events]);
  assert.notEqual(toldByChunks(spliced).error, undefined);
});

test("arguments of two tool calls that come mixed are an error, never a wrong call", () => {
  const call = (index: number, more: Fields) => ({
    choices: [{ delta: { tool_calls: [{ index, ...more }] } }],
  });
  const translator = chatStreamToMessages(MESSAGE);
  const { error } = toldByEvents(
    throughout(translator, [
      call(0, { id: "a", function: { name: "f", arguments: '{"x' } }),
      call(1, { id: "b", function: { name: "f", arguments: "{" } }),
      call(0, { function: { arguments: '":1}' } }),
    ]),
  );
  assert.equal(error?.type, "api_error");
});

test("the chunk of the usage comes only if it was asked for", () => {
  const events = streamed({ content: [{ type: "text", text: "abc" }], stop_reason: "end_turn" }, 3);
  const asked = throughout(messagesStreamToChat(CHAT), events);
  assert.deepEqual(asked.at(-1)?.choices, []);
  assert.ok(asked.slice(0, -1).every((chunk) => chunk.usage === null));
  const not = throughout(messagesStreamToChat({ ...CHAT, includeUsage: false }), events);
  assert.ok(not.every((chunk) => !("usage" in chunk)));
});

test("a usage that was not told is left out, or zeros where it cannot be", () => {
  const answer = { content: [{ type: "text", text: "a" }], stop_reason: "end_turn" };
  assert.equal("usage" in messagesAnswerToChat(answer, CHAT), false);
  const { usage: told } = chatAnswerToMessages({ choices: [{ message: { content: "a" } }] }, MESSAGE);
  assert.equal(fieldsOf(told).output_tokens, 0);
});

test("a message begins with an unknown input and ends with the true counts", () => {
  const events = throughout(chatStreamToMessages(MESSAGE), chunked({ content: "a" }, "stop", 1));
  assert.equal(fieldsOf(fieldsOf(events[0]?.message).usage).input_tokens, 0);
  assert.deepEqual(events.at(-2)?.usage, usage);
});

test("why an answer ended is said in the other dialect's words, and beside them where they say less", () => {
  const finish = (stop_reason: unknown) => {
    const {
      message: _,
      index: _i,
      logprobs: _l,
      ...rest
    } = objectsOf(messagesAnswerToChat({ content: [], stop_reason }, CHAT).choices)[0]!;
    return rest;
  };
  assert.deepEqual(finish("end_turn"), { finish_reason: "stop" });
  assert.deepEqual(finish("tool_use"), { finish_reason: "tool_calls" });
  assert.deepEqual(finish("refusal"), { finish_reason: "content_filter" });
  assert.deepEqual(finish("pause_turn"), { finish_reason: "stop", native_finish_reason: "pause_turn" });
  const context = "model_context_window_exceeded";
  assert.deepEqual(finish(context), { finish_reason: "length", native_finish_reason: context });
  const stop = (message: Fields, finish_reason: unknown) =>
    chatAnswerToMessages({ choices: [{ message, finish_reason }] }, MESSAGE).stop_reason;
  assert.equal(stop({ content: "a" }, "length"), "max_tokens");
  assert.equal(stop({ content: "a" }, "content_filter"), "refusal");
  assert.equal(stop({ refusal: "No." }, "stop"), "refusal");
  assert.equal(stop({ tool_calls: [{ id: "a", function: { name: "f" } }] }, "stop"), "tool_use");
});

test("a refusal is told with its reason", () => {
  const stop_details = { type: "refusal", category: "cyber", explanation: "Not this." };
  const [choice] = objectsOf(
    messagesAnswerToChat({ content: [], stop_reason: "refusal", stop_details }, CHAT).choices,
  );
  assert.equal(fieldsOf(choice?.message).refusal, "Not this.");
  const chunks = throughout(messagesStreamToChat(CHAT), [
    ...streamed({ content: [] }, 1).slice(0, 2),
    { type: "message_delta", delta: { stop_reason: "refusal", stop_details }, usage: {} },
    { type: "message_stop" },
  ]);
  assert.equal(toldByChunks(chunks).ending, "content_filter");
  assert.ok(chunks.some(({ choices }) => fieldsOf(objectsOf(choices)[0]?.delta).refusal === "Not this."));
});

test("events are framed as their clients read them, and can be read from what a tap lets through", () => {
  const chunks = chunked({ content: "à b" }, "stop", 1);
  const bytes = Buffer.concat([...chunks.map(chatChunkBytes), CHAT_DONE]);
  const tap = streamTap(openAiChat, { hideUsage: false });
  const read: Fields[] = [];
  for (let at = 0; at < bytes.length; at += 7) {
    const passed = tap.push(bytes.subarray(at, at + 7));
    if (passed !== undefined) read.push(...eventsIn(passed).map(({ fields }) => fields));
  }
  assert.deepEqual(read, chunks);
  assert.equal(namedEventBytes({ type: "ping" }).toString(), 'event: ping\ndata: {"type":"ping"}\n\n');
});
