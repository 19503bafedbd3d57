import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fields, fieldsOf, objectsOf, parsedObject, textOf } from "./json.ts";
import { recorded, withoutRecorded } from "./recorded.testing.ts";
import { messagesAnswerToChat } from "./translate.answer.chat.ts";
import { chatAnswerToMessages } from "./translate.answer.messages.ts";
import { messagesStreamToChat } from "./translate.stream.chat.ts";
import { chatStreamToMessages } from "./translate.stream.messages.ts";
import {
  CHAT,
  eventsOfLines,
  MESSAGE,
  recordedMessageStreams,
  recordedMessages,
  throughout,
  toldByChunks,
  toldByEvents,
} from "./translate.testing.ts";

const skip = withoutRecorded;

/** All tokens that Anthropic counts, at the top of a usage. */
function totalOf(usage: Fields): number {
  const kinds = ["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"];
  return kinds.reduce((sum, kind) => sum + Number(usage[kind] ?? 0), 0);
}

/** All tokens that a chat counts: some leave the reasoning out of the completion, none out of the total. */
function chatTotal({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: total,
}: Fields): number {
  return Math.max(Number(total ?? 0), Number(prompt) + Number(completion));
}

function textIn(content: unknown): string {
  if (typeof content === "string") return content;
  return objectsOf(content)
    .map(({ text }) => textOf(text) ?? "")
    .join("");
}

test("Anthropic's whole answers keep text, tool calls and tokens", { skip }, (t) => {
  let answers = 0;
  let calls = 0;
  for (const { name, text } of recordedMessages(".json")) {
    const answer = parsedObject(text);
    if (answer?.type !== "message") continue;
    const blocks = objectsOf(answer.content);
    const { choices, usage } = messagesAnswerToChat(answer, CHAT);
    const message = fieldsOf(objectsOf(choices)[0]?.message);
    assert.equal(message.content ?? "", textIn(blocks.filter(({ type }) => type === "text")), name);
    const used = blocks.filter(({ type }) => type === "tool_use");
    const called = objectsOf(message.tool_calls).map(({ id, function: named }) => {
      const { name, arguments: json } = fieldsOf(named);
      return [id, name, JSON.parse(String(json))];
    });
    assert.deepEqual(
      called,
      used.map(({ id, name, input }) => [id, name, input]),
      name,
    );
    assert.equal(fieldsOf(usage).total_tokens, totalOf(fieldsOf(answer.usage)), name);
    answers++;
    calls += used.length;
  }
  t.diagnostic(`${answers} answers, ${calls} tool calls`);
});

test("Anthropic's streams keep text, tool calls and tokens", { skip }, (t) => {
  const counted = { streams: 0, calls: 0, cut: 0, failed: 0 };
  for (const { name, events } of recordedMessageStreams()) {
    const translator = messagesStreamToChat(CHAT);
    const told = toldByChunks(throughout(translator, events));
    counted.streams++;
    if (told.error !== undefined) {
      counted.failed++;
      continue;
    }
    const deltas = events.map(({ delta }) => fieldsOf(delta));
    assert.equal(told.text, textIn(deltas.filter(({ type }) => type === "text_delta")), name);
    const used = events
      .map(({ content_block: block }) => fieldsOf(block))
      .filter(({ type }) => type === "tool_use");
    assert.deepEqual(
      told.calls.map(({ id, name }) => [id, name]),
      used.map(({ id, name }) => [id, name]),
      name,
    );
    counted.calls += used.length;
    if (!translator.complete) {
      counted.cut++;
      continue;
    }
    const start = fieldsOf(fieldsOf(events.find(({ type }) => type === "message_start")?.message).usage);
    const last = fieldsOf(events.findLast(({ type }) => type === "message_delta")?.usage);
    assert.equal(told.usage?.total_tokens, totalOf({ ...start, ...last }), name);
  }
  const { streams, calls, cut, failed } = counted;
  t.diagnostic(`${streams} streams, ${calls} tool calls, ${cut} recorded in part, ${failed} spliced`);
  assert.ok(failed <= 1);
});

test("whole answers of chat models keep text, tool calls and tokens", { skip }, (t) => {
  let answers = 0;
  let calls = 0;
  for (const { name, text } of recorded(".json")) {
    const answer = parsedObject(text);
    if (!Array.isArray(answer?.choices)) continue;
    const message = fieldsOf(objectsOf(answer.choices)[0]?.message);
    const translated = chatAnswerToMessages(answer, MESSAGE);
    const blocks = objectsOf(translated.content);
    assert.equal(textIn(blocks), textIn(message.content), name);
    const given = objectsOf(message.tool_calls).map(({ id, function: named }) => {
      const { name, arguments: json } = fieldsOf(named);
      return [id, name, JSON.parse(String(json))];
    });
    const used = blocks.filter(({ type }) => type === "tool_use");
    assert.deepEqual(
      used.map(({ id, name, input }) => [id, name, input]),
      given,
      name,
    );
    assert.equal(totalOf(fieldsOf(translated.usage)), chatTotal(fieldsOf(answer.usage)), name);
    answers++;
    calls += used.length;
  }
  t.diagnostic(`${answers} answers, ${calls} tool calls`);
});

test("streams of chat models keep text, tool calls and tokens", { skip }, (t) => {
  let streams = 0;
  let calls = 0;
  for (const { name, text } of [...recorded(".chunks.txt"), ...recorded(".sse")]) {
    const chunks = eventsOfLines(text);
    const translator = chatStreamToMessages(MESSAGE);
    const told = toldByEvents(throughout(translator, chunks));
    assert.ok(translator.complete, name);
    const deltas = chunks.map(({ choices }) => fieldsOf(objectsOf(choices)[0]?.delta));
    assert.equal(told.text, deltas.map(({ content }) => textIn(content)).join(""), name);
    const pieces = deltas.flatMap((delta) => objectsOf(delta.tool_calls));
    const named = pieces.filter(({ id }) => typeof id === "string" && id !== "");
    assert.deepEqual(
      told.calls.map(({ id }) => id),
      named.map(({ id }) => id),
      name,
    );
    const json = pieces.map((piece) => textOf(fieldsOf(piece.function).arguments) ?? "").join("");
    assert.equal(told.calls.map((call) => call.json).join(""), json, name);
    const usage = chunks.findLast((chunk) => chunk.usage != null)?.usage;
    if (usage !== undefined) assert.equal(totalOf(told.usage ?? {}), chatTotal(fieldsOf(usage)), name);
    streams++;
    calls += told.calls.length;
  }
  t.diagnostic(`${streams} streams, ${calls} tool calls`);
});
