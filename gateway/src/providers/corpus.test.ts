import assert from "node:assert/strict";
import { test } from "node:test";
import { anthropicMessages } from "./anthropic.messages.ts";
import * as rules from "./corpus.testing.ts";
import { googleGenerate } from "./google.generate.ts";
import { type Fields, parsedObject } from "./json.ts";
import { openAiChat } from "./openai.chat.ts";
import { openAiEmbeddings } from "./openai.embeddings.ts";
import { openAiResponses } from "./openai.responses.ts";
import { type Recorded, recordedFolders, recordedIn, withoutRecorded } from "./recorded.testing.ts";
import { cutUp, tapped } from "./tap.testing.ts";
import { wholeAnswer } from "./whole.ts";
import { keepsInvariants } from "./wire.contract.ts";
import type { Seen, Wire } from "./wire.ts";

type Folder = {
  readonly wire: Wire;
  readonly rule: rules.Rule;
  /** How many files there are to read: fewer is a failure. */
  readonly whole: number;
  readonly streamed: number;
};

const chat = { wire: openAiChat, rule: rules.chatRule };
const responses = { wire: openAiResponses, rule: rules.responsesRule };
const FOLDERS: Readonly<Record<string, Folder>> = {
  "anthropic/src": { wire: anthropicMessages, rule: rules.messagesRule, whole: 28, streamed: 27 },
  "deepseek/src/chat": { ...chat, whole: 4, streamed: 2 },
  "google/src": { wire: googleGenerate, rule: rules.generateRule, whole: 6, streamed: 9 },
  "groq/src": { ...chat, whole: 3, streamed: 1 },
  "mistral/src": { ...chat, whole: 3, streamed: 4 },
  "open-responses/src/responses": { ...responses, whole: 3, streamed: 4 },
  "openai-compatible/src/chat": { ...chat, whole: 2, streamed: 3 },
  "openai/src/chat": { ...chat, whole: 2, streamed: 1 },
  "openai/src/embedding": { wire: openAiEmbeddings, rule: rules.embeddingsRule, whole: 1, streamed: 0 },
  "openai/src/responses": { ...responses, whole: 30, streamed: 27 },
  "xai/src": { ...chat, whole: 2, streamed: 2 },
  "xai/src/responses": { ...responses, whole: 5, streamed: 2 },
};

const SKIPPED: Readonly<Record<string, string>> = {
  "amazon-bedrock/src": "Bedrock's own format is out of scope",
  "amazon-bedrock/src/reranking": "Bedrock's own format is out of scope",
  "anthropic/src/skills": "no answers of models",
  "google/src/interactions": "another format than generateContent",
  "google/src/speech-translation": "a live session",
  "openai/src/completion": "legacy completions",
  "openai/src/image": "images",
  "openai/src/skills": "no answers of models",
  "openai/src/speech-translation": "a live session",
  "openai/src/transcription": "transcription",
  "groq-transcription-text.json": "transcription",
  "mistral-transcription.json": "transcription",
};

for (const [place, { wire, rule, whole, streamed }] of Object.entries(FOLDERS)) {
  test(`recorded answers of ${place} say what plain sums say, whole and streamed`, {
    skip: withoutRecorded,
  }, (t) => {
    const files = recordedIn(`${place}/__fixtures__`).filter(({ name }) => !(name in SKIPPED));
    const wholes = files.filter(({ name }) => name.endsWith(".json"));
    const streams = files.filter(({ name }) => !name.endsWith(".json"));
    for (const file of wholes) readsWhole(wire, rule, file);
    let count = 0;
    for (const file of streams) count += readsStreams(wire, rule, file);
    assert.deepEqual({ whole: wholes.length, streamed: streams.length }, { whole, streamed });
    t.diagnostic(`${wholes.length} whole answers and ${count} streams of ${streams.length} files read`);
  });
}

test("every folder of recorded answers is read, or skipped for a reason", { skip: withoutRecorded }, () => {
  const places = recordedFolders().map((folder) => folder.replace("/__fixtures__", ""));
  for (const place of places) assert.ok(place in FOLDERS || place in SKIPPED, place);
  assert.ok(places.length > Object.keys(FOLDERS).length);
});

function readsWhole(wire: Wire, rule: rules.Rule, { name, text }: Recorded): void {
  const answer = parsedObject(text) ?? {};
  const read = wholeAnswer(wire, Buffer.from(text));
  assert.ok(read, name);
  if (answer.error != null) {
    assert.ok(read.error?.message, name);
    assert.deepEqual([read.isAnswer, read.metered], [false, undefined], name);
    return;
  }
  assert.ok(read.isAnswer && read.error === undefined && read.model !== undefined, name);
  says(read, rule.tokensOf(answer), name);
  const twin = rule.streamOf(answer);
  if (twin.length > 0) assert.deepEqual(tapped(wire, [sse(twin)]).metered, read.metered, name);
}

/** Some files hold several streams, one after the other. */
function readsStreams(wire: Wire, rule: rules.Rule, { name, text }: Recorded): number {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && line !== "data: [DONE]");
  const streams: Fields[][] = [[]];
  for (const line of lines) {
    const event = parsedObject(line.replace(/^data: /, "")) ?? {};
    const last = streams.at(-1)!;
    // What follows an end without beginning anew, a ping, still belongs to it.
    const isNew = last.some(rule.endsWith) && /^(message_start|response\.created)$/.test(String(event.type));
    if (isNew) streams.push([event]);
    else last.push(event);
  }
  for (const events of streams) {
    const input = sse([...events, ...rule.marker]);
    const end = tapped(wire, cutUp(input, [100, 5000, 1234, 60_000]), false);
    assert.deepEqual(Buffer.concat([end.passed, end.rest, end.tail]), input, name);
    assert.equal(end.complete, rule.marker.length > 0 || events.some(rule.endsWith), name);
    assert.equal(
      end.error !== undefined,
      events.some(({ type }) => type === "error"),
      name,
    );
    const answer = rule.wholeOf(events);
    says(end, rule.tokensOf(answer), name);
    assert.deepEqual(wire.whole(answer).metered, end.metered, name);
    assert.ok(end.textBytes > 0 || events.length < 20, name);
  }
  return streams.length;
}

function says({ metered }: Seen, expected: rules.Tokens | undefined, name: string): void {
  keepsInvariants(metered);
  const tokens = metered && {
    input: metered.usage.input,
    output: metered.usage.output,
    cacheRead: metered.usage.cacheRead,
    reasoning: metered.usage.reasoning,
    besides: metered.besides.reduce((sum, { usage }) => sum + usage.input + usage.output, 0),
    costPico: metered.providerCostPico,
  };
  assert.deepEqual(tokens, expected, name);
}

/** Every other event under its name, as both ways are in use. */
function sse(events: readonly (Fields | string)[]): Buffer {
  const written = events.map((event, at) => {
    if (typeof event === "string") return `data: ${event}\n\n`;
    const named = at % 2 === 0 && typeof event.type === "string" ? `event: ${event.type}\n` : "";
    return `${named}data: ${JSON.stringify(event)}\n\n`;
  });
  return Buffer.from(written.join(""));
}
