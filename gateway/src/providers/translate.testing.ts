import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import type { Recorded } from "./recorded.testing.ts";
import type { ChatStream } from "./translate.stream.chat.ts";
import type { StreamTranslator } from "./translate.stream.ts";

export const CHAT: ChatStream = {
  id: "chatcmpl-1",
  created: 1_700_000_000,
  model: "asked",
  includeUsage: true,
};
export const MESSAGE = { id: "msg_1", model: "asked" };

/** Everything that a translator says about a stream that ends after these events. */
export function throughout(translator: StreamTranslator, events: readonly Fields[]): readonly Fields[] {
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

export type Told = {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly { readonly id: unknown; readonly name: unknown; readonly json: string }[];
  readonly ending: unknown;
  readonly usage: Fields | undefined;
  readonly error: Fields | undefined;
};

/** What chunks of a chat add up to. Fails if they are not what an OpenAI client can read. */
export function toldByChunks(chunks: readonly Fields[]): Told {
  const calls: { id: unknown; name: unknown; json: string }[] = [];
  const told = { text: "", thinking: "", ending: undefined as unknown };
  let usage: Fields | undefined;
  let error: Fields | undefined;
  for (const [position, chunk] of chunks.entries()) {
    assert.equal(error, undefined, "nothing follows an error");
    if (chunk.error !== undefined) {
      error = fieldsOf(chunk.error);
      continue;
    }
    assert.equal(chunk.object, "chat.completion.chunk");
    if (chunk.usage != null) usage = fieldsOf(chunk.usage);
    const [choice] = objectsOf(chunk.choices);
    if (choice === undefined) continue;
    const delta = fieldsOf(choice.delta);
    assert.equal(delta.role, position === 0 ? "assistant" : undefined);
    assert.equal(told.ending, undefined, "nothing follows the end");
    told.text += textOf(delta.content) ?? "";
    told.thinking += textOf(delta.reasoning_content) ?? "";
    told.ending = choice.finish_reason ?? undefined;
    for (const { index, id, function: named } of objectsOf(delta.tool_calls)) {
      const { name, arguments: json } = fieldsOf(named);
      if (id !== undefined) assert.equal(calls.push({ id, name, json: "" }) - 1, index);
      calls[index as number]!.json += json;
    }
  }
  return { ...told, calls, usage, error };
}

type Block = { type: unknown; text: string; id: unknown; name: unknown; open: boolean };

/** What events of messages add up to. Fails if they are not what an Anthropic client can read. */
export function toldByEvents(events: readonly Fields[]): Told {
  const blocks: Block[] = [];
  let ending: unknown;
  let usage: Fields | undefined;
  let error: Fields | undefined;
  for (const [position, event] of events.entries()) {
    assert.equal(error, undefined, "nothing follows an error");
    const block = blocks[event.index as number];
    if (event.type === "error") error = fieldsOf(event.error);
    else assert.equal(event.type === "message_start", position === 0);
    if (event.type === "content_block_start") {
      const { type, id, name } = fieldsOf(event.content_block);
      assert.ok(blocks.every(({ open }) => !open) && ending === undefined);
      assert.equal(blocks.push({ type, id, name, text: "", open: true }) - 1, event.index);
    } else if (event.type === "content_block_delta") {
      const { text, thinking, partial_json: json } = fieldsOf(event.delta);
      assert.ok(block?.open);
      block.text += text ?? thinking ?? json;
    } else if (event.type === "content_block_stop") {
      assert.ok(block?.open);
      block.open = false;
    } else if (event.type === "message_delta") {
      assert.ok(blocks.every(({ open }) => !open));
      ending = fieldsOf(event.delta).stop_reason;
      usage = fieldsOf(event.usage);
    } else if (event.type === "message_stop") {
      assert.equal(position, events.length - 1);
      assert.notEqual(ending, undefined);
    }
  }
  const joined = (type: string) =>
    blocks
      .filter((block) => block.type === type)
      .map(({ text }) => text)
      .join("");
  const calls = blocks
    .filter(({ type }) => type === "tool_use")
    .map(({ id, name, text }) => ({ id, name, json: text === "" ? "{}" : text }));
  return { text: joined("text"), thinking: joined("thinking"), calls, ending, usage, error };
}

export const words = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => `${text}.`);
const toolName = fc.stringMatching(/^[a-z_]{1,8}$/);
const input = fc.dictionary(toolName, fc.oneof(words, fc.integer(), fc.boolean()), { maxKeys: 3 });

export const answerBlocks = fc.array(
  fc.oneof(
    words.map((text) => ({ type: "text", text })),
    words.map((thinking) => ({ type: "thinking", thinking, signature: "s" })),
    fc.record({ type: fc.constant("tool_use"), id: fc.uuid(), name: toolName, input }),
  ),
  { maxLength: 6 },
);

const image = fc.oneof(
  fc.base64String({ minLength: 4, maxLength: 16 }).map((data) => `data:image/png;base64,${data}`),
  fc.webUrl(),
);
const part = fc.oneof(
  words.map((text) => ({ type: "text", text })),
  image.map((url) => ({ type: "image_url", image_url: { url } })),
);
const user = fc
  .oneof(words, fc.array(part, { minLength: 1, maxLength: 4 }))
  .map((content) => [{ role: "user", content }]);
const system = fc
  .tuple(fc.constantFrom("system", "developer"), words)
  .map(([role, content]) => [{ role, content }]);
const said = words.map((content) => [{ role: "assistant", content }]);
const called = fc
  .tuple(
    fc.option(words),
    fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 3 }),
    toolName,
    input,
    fc.option(words, { nil: "" }),
  )
  .map(([content, ids, name, given, result]) => {
    const named = { name, arguments: JSON.stringify(given) };
    const calls = ids.map((id) => ({ id, type: "function", function: named }));
    const results = ids.map((id) => ({ role: "tool", tool_call_id: id, content: result }));
    return [{ role: "assistant", content, tool_calls: calls }, ...results];
  });

/** Messages of a chat as clients send them: a call of tools is followed by their results. */
export const conversation: fc.Arbitrary<readonly Fields[]> = fc
  .tuple(user, fc.array(fc.oneof(user, system, said, called), { maxLength: 8 }))
  .map(([first, rest]) => [...first, ...rest.flat()]);

const MESSAGES = new URL(
  "../../../../shared/corpus/vercel-ai/packages/anthropic/src/__fixtures__/",
  import.meta.url,
);

/** Answers recorded from Anthropic. */
export function recordedMessages(ending: string): readonly Recorded[] {
  if (!existsSync(MESSAGES)) return [];
  return readdirSync(MESSAGES)
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, text: readFileSync(new URL(name, MESSAGES), "utf8") }));
}

export type RecordedStream = { readonly name: string; readonly events: readonly Fields[] };

/** Streams recorded from Anthropic; a file may hold those of several turns. */
export function recordedMessageStreams(): readonly RecordedStream[] {
  return recordedMessages(".chunks.txt").flatMap(({ name, text }) => {
    const streams: Fields[][] = [[]];
    for (const event of eventsOfLines(text)) {
      if (streams.at(-1)!.at(-1)?.type === "message_stop") streams.push([]);
      streams.at(-1)!.push(event);
    }
    return streams.map((events) => ({ name, events }));
  });
}

/** The events of a recorded stream: one to a line, as they came or without their field names. */
export function eventsOfLines(text: string): readonly Fields[] {
  return text
    .split("\n")
    .map((line) => line.replace(/^data: ?/, ""))
    .filter((line) => line.startsWith("{"))
    .map((line) => fieldsOf(JSON.parse(line)));
}
