import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { type Fields, fieldsOf, objectsOf, parsedObject, textOf } from "./json.ts";
import { recorded, withoutRecorded } from "./recorded.testing.ts";
import { chatAnswerToMessages } from "./translate.answer.messages.ts";
import {
  chatAnswerToResponse,
  messagesAnswerToResponse,
  messagesStreamToResponse,
} from "./translate.answer.responses.ts";
import { RESPONSE, toldByItems, toldByResponse } from "./translate.responses.testing.ts";
import { namedEventBytes } from "./translate.sse.ts";
import { messagesStreamToChat } from "./translate.stream.chat.ts";
import { chatStreamToMessages } from "./translate.stream.messages.ts";
import { chatStreamToResponse } from "./translate.stream.responses.ts";
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

/** OpenAI's client, answered with these bytes. */
function clientReading(body: string | Buffer<ArrayBuffer>, type: string): OpenAI {
  const fetch = async () => new Response(body, { headers: { "content-type": type } });
  return new OpenAI({ apiKey: "key", baseURL: "http://127.0.0.1/v1", maxRetries: 0, fetch });
}

/** What the client makes of a stream: it fails on every event that does not fit those before. */
async function readStream(events: readonly Fields[]) {
  const client = clientReading(Buffer.concat(events.map(namedEventBytes)), "text/event-stream");
  return client.responses.stream({ model: "asked", input: "Hello" }).finalResponse();
}

function refusalIn(chunks: readonly Fields[]): string {
  const deltas = chunks.flatMap(({ choices }) => objectsOf(choices)).map(({ delta }) => fieldsOf(delta));
  return deltas.map(({ refusal }) => textOf(refusal) ?? "").join("");
}

const streams: readonly (readonly [name: string, translated: readonly Fields[], told: Fields])[] = skip
  ? []
  : [
      ...recordedMessageStreams().map(({ name, events }) => {
        const chunks = throughout(messagesStreamToChat(CHAT), events);
        const told = toldByChunks(chunks);
        const text = told.text + refusalIn(chunks);
        return [name, throughout(messagesStreamToResponse(RESPONSE), events), { ...told, text }] as const;
      }),
      ...[...recorded(".chunks.txt"), ...recorded(".sse")].map(({ name, text }) => {
        const chunks = eventsOfLines(text);
        const events = throughout(chatStreamToMessages(MESSAGE), chunks);
        return [name, throughout(chatStreamToResponse(RESPONSE), chunks), toldByEvents(events)] as const;
      }),
    ];

test("every recorded stream says as a response what it says in the other formats, and OpenAI's client reads it", {
  skip,
}, async (t) => {
  const counted = { streams: 0, calls: 0, failed: 0 };
  for (const [name, events, other] of streams) {
    const { text, thinking, calls, usage, error, ending } = toldByResponse(events);
    counted.streams++;
    if (error !== undefined || ending === undefined) {
      assert.equal(other.ending, undefined, name);
      counted.failed++;
      continue;
    }
    assert.deepEqual([text, thinking], [other.text, other.thinking], name);
    const json = ({ json }: Fields) => json || "{}";
    assert.deepEqual(calls.map(json), objectsOf(other.calls).map(json), name);
    const total = Number(usage?.output_tokens ?? 0);
    const counts = fieldsOf(other.usage);
    assert.equal(total, counts.completion_tokens ?? counts.output_tokens ?? 0, name);
    const read = await readStream(events);
    assert.equal(toldByItems(read.output.map((item) => fieldsOf({ ...item }))).text, text, name);
    assert.equal(read.status, ending, name);
    counted.calls += calls.length;
  }
  t.diagnostic(JSON.stringify(counted));
  assert.ok(counted.streams > 20 && counted.failed < counted.streams / 3);
});

test("every recorded whole answer says as a response what it says in the other formats", {
  skip,
}, async (t) => {
  let read = 0;
  const answers = [...recordedMessages(".json"), ...recorded(".json")];
  for (const { name, text } of answers) {
    const answer = parsedObject(text) ?? {};
    const isMessage = answer.type === "message";
    if (!isMessage && !Array.isArray(answer.choices)) continue;
    const response = isMessage
      ? messagesAnswerToResponse(answer, RESPONSE)
      : chatAnswerToResponse(answer, RESPONSE);
    const content = objectsOf(isMessage ? answer.content : chatAnswerToMessages(answer, MESSAGE).content);
    const said = toldByItems(objectsOf(response.output));
    const joined = (type: string, field: string) =>
      content
        .filter((block) => block.type === type)
        .map((block) => block[field])
        .join("");
    assert.equal(said.thinking, joined("thinking", "thinking"), name);
    const used = content.filter(({ type }) => type === "tool_use").map(({ name, input }) => [name, input]);
    assert.deepEqual(
      said.calls.map(({ name, json }) => [name, JSON.parse(json)]),
      used,
      name,
    );
    const client = clientReading(JSON.stringify(response), "application/json");
    const whole = await client.responses.create({ model: "asked", input: "Hello" });
    assert.equal(whole.output_text, joined("text", "text"), name);
    read++;
  }
  t.diagnostic(`${read} answers`);
});

test("OpenAI's client raises what goes wrong inside a translated stream", async () => {
  const stream = chatStreamToResponse(RESPONSE);
  const said = stream.push({ choices: [{ delta: { content: "a" } }] });
  const events = [...said, ...stream.fail({ code: "PROVIDER_FAILED", message: "It broke." })];
  await assert.rejects(readStream(events), (error: unknown) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.deepEqual([error.code, /It broke/.test(error.message)], ["PROVIDER_FAILED", true]);
    return true;
  });
});
