import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { type Fields, fieldsOf, parsedObject } from "./json.ts";
import { recorded, withoutRecorded } from "./recorded.testing.ts";
import { messagesAnswerToChat } from "./translate.answer.chat.ts";
import { chatAnswerToMessages } from "./translate.answer.messages.ts";
import { CHAT_DONE, chatChunkBytes, namedEventBytes } from "./translate.sse.ts";
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

/** Answers every request with these bytes: a whole answer or a stream. */
async function answering(body: Fields | Buffer) {
  const isStream = Buffer.isBuffer(body);
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", isStream ? "text/event-stream" : "application/json");
    response.end(isStream ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: url, apiKey: "key", maxRetries: 0 }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const asked = { model: "asked", messages: [{ role: "user" as const, content: "Hello" }] };

function chatBytes(chunks: readonly Fields[]): Buffer {
  return Buffer.concat([...chunks.map(chatChunkBytes), CHAT_DONE]);
}

test("the official OpenAI client reads Anthropic's whole answers", { skip }, async (t) => {
  let read = 0;
  for (const { name, text } of recordedMessages(".json")) {
    const answer = parsedObject(text);
    if (answer?.type !== "message") continue;
    const translated = messagesAnswerToChat(answer, CHAT);
    await using server = await answering(translated);
    const completion = await server.openai.chat.completions.create(asked);
    assert.deepEqual(
      { ...completion, _request_id: undefined },
      { ...translated, _request_id: undefined },
      name,
    );
    read++;
  }
  t.diagnostic(`${read} answers`);
});

test("the official OpenAI client reads Anthropic's streams, tools included", { skip }, async (t) => {
  const counted = { streams: 0, calls: 0 };
  for (const { name, events } of recordedMessageStreams()) {
    const chunks = throughout(messagesStreamToChat(CHAT), events);
    const told = toldByChunks(chunks);
    if (told.error !== undefined) continue;
    await using server = await answering(chatBytes(chunks));
    const stream = server.openai.chat.completions.stream(asked);
    const completion = await stream.finalChatCompletion();
    const [choice] = completion.choices;
    assert.equal(choice?.message.content ?? "", told.text, name);
    assert.equal(choice?.finish_reason, told.ending, name);
    assert.equal(completion.usage?.total_tokens, told.usage?.total_tokens, name);
    const calls = (choice?.message.tool_calls ?? []).map((call) => {
      assert.ok(call.type === "function");
      return { id: call.id, name: call.function.name, json: call.function.arguments };
    });
    assert.deepEqual(calls, told.calls, name);
    for (const { json } of calls) assert.notEqual(parsedObject(json), undefined, name);
    counted.streams++;
    counted.calls += calls.length;
  }
  t.diagnostic(`${counted.streams} streams, ${counted.calls} tool calls`);
});

test("the official Anthropic client reads whole answers of chat models", { skip }, async (t) => {
  let read = 0;
  for (const { name, text } of recorded(".json")) {
    const answer = parsedObject(text);
    if (!Array.isArray(answer?.choices)) continue;
    const translated = chatAnswerToMessages(answer, MESSAGE);
    await using server = await answering(translated);
    const message = await server.anthropic.messages.create({ ...asked, max_tokens: 10 });
    assert.deepEqual(fieldsOf({ ...message }), translated, name);
    read++;
  }
  t.diagnostic(`${read} answers`);
});

test("the official Anthropic client reads streams of chat models, tools included", { skip }, async (t) => {
  const counted = { streams: 0, calls: 0 };
  for (const { name, text } of [...recorded(".chunks.txt"), ...recorded(".sse")]) {
    const events = throughout(chatStreamToMessages(MESSAGE), eventsOfLines(text));
    const told = toldByEvents(events);
    await using server = await answering(Buffer.concat(events.map(namedEventBytes)));
    const stream = server.anthropic.messages.stream({ ...asked, max_tokens: 10 });
    const message = await stream.finalMessage();
    const said = message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
    assert.equal(said, told.text, name);
    assert.equal(message.stop_reason, told.ending, name);
    assert.equal(message.usage.input_tokens, told.usage?.input_tokens, name);
    assert.equal(message.usage.output_tokens, told.usage?.output_tokens, name);
    const used = message.content.filter((block) => block.type === "tool_use");
    assert.deepEqual(
      used.map(({ id, name, input }) => ({ id, name, input })),
      told.calls.map(({ id, name, json }) => ({ id, name, input: JSON.parse(json) })),
      name,
    );
    counted.streams++;
    counted.calls += used.length;
  }
  t.diagnostic(`${counted.streams} streams, ${counted.calls} tool calls`);
});

test("official clients raise an error that comes inside a translated stream", async () => {
  const start = { type: "message_start", message: { content: [] } };
  const failed = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
  const chunks = throughout(messagesStreamToChat(CHAT), [start, failed]);
  await using chat = await answering(Buffer.concat(chunks.map(chatChunkBytes)));
  const completion = chat.openai.chat.completions.stream(asked).finalChatCompletion();
  await assert.rejects(completion, (error: InstanceType<typeof OpenAI.APIError>) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.equal(error.code, "overloaded_error");
    return true;
  });
  const events = throughout(chatStreamToMessages(MESSAGE), [
    { choices: [{ delta: { content: "a" } }] },
    { error: { message: "Slow down", code: 429 } },
  ]);
  await using messages = await answering(Buffer.concat(events.map(namedEventBytes)));
  const message = messages.anthropic.messages.stream({ ...asked, max_tokens: 10 }).finalMessage();
  await assert.rejects(message, (error: InstanceType<typeof Anthropic.APIError>) => {
    assert.ok(error instanceof Anthropic.APIError);
    assert.match(error.message, /Slow down/);
    return true;
  });
});
