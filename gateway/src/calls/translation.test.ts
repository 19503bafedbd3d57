import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fieldsOf } from "../providers/json.ts";
import { streamTap } from "../providers/tap.ts";
import { eventsIn } from "../providers/translate.sse.ts";
import { chatFormat, type Format, messagesFormat, responsesFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import {
  DONE,
  EVENT_STREAM,
  lastEvent,
  running,
  scriptedProvider,
  targetAt,
  testRates,
  textEvent,
  turn,
  usageEvent,
} from "./testing.ts";
import { purged, translation } from "./translation.ts";

const named = (fields: Record<string, unknown>) =>
  `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n`;
const block = { type: "text", text: "" };
const streams: readonly (readonly [Format, string])[] = [
  [chatFormat, textEvent("Grüß ") + textEvent("Gott") + lastEvent + usageEvent(10, 5) + DONE],
  [
    messagesFormat,
    [
      { type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: "content_block_start", index: 0, content_block: block },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Grüß Gott" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } },
      { type: "message_stop" },
    ]
      .map(named)
      .join(""),
  ],
];

const asked = (fields: Record<string, unknown> = {}) =>
  aiRequest(responsesFormat, { model: "m", input: "Hello", stream: true, ...fields }, 100);

for (const [format, text] of streams) {
  test(`however a stream of ${format.wire.name} is cut into pieces, the client reads the same response`, () => {
    const bytes = Buffer.from(text);
    const read = (sizes: readonly number[]): string => {
      const answers = translation(asked(), "m", format).answers!({ id: "1", now: 0, model: "m" });
      const tap = streamTap(format.wire, { hideUsage: false });
      const said: Buffer[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length]!;
        const passed = tap.push(bytes.subarray(at, at + size));
        if (passed !== undefined) said.push(answers.push(passed));
        at += size;
      }
      const { rest, tail } = tap.finish();
      return Buffer.concat([...said, answers.push(rest), answers.push(tail), answers.end()]).toString();
    };
    const whole = read([bytes.length]);
    const last = eventsIn(Buffer.from(whole)).at(-1)!;
    assert.equal(last.name, "response.completed");
    assert.match(JSON.stringify(fieldsOf(last.fields.response).output), /Grüß Gott/);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }), (sizes) => {
        assert.equal(read(sizes), whole);
      }),
    );
  });
}

/** A call for responses that a provider of this format is asked for, once the first has failed. */
async function askedOf(format: Format) {
  const other = scriptedProvider({ name: "other", speaks: [format.wire.name] });
  const target = { ...targetAt(other.provider, "m", format), translation: translation(asked(), "m", format) };
  const run = await running({ body: { stream: true }, others: [target] });
  run.head(500);
  run.end();
  await turn();
  return { other, run };
}

for (const [format, text] of streams) {
  test(`a response translated from ${format.wire.name} costs what its provider reported`, async () => {
    const { other, run } = await askedOf(format);
    other.head(200, EVENT_STREAM);
    other.chunk(text);
    other.end();
    await run.done;
    assert.ok(run.reader.text.includes("event: response.completed\n"), run.reader.text);
    const { costPico, usageSource } = run.settlements[0]!;
    assert.deepEqual([costPico, usageSource], [10n * testRates.input + 5n * testRates.output, "reported"]);
  });

  test(`a stream of ${format.wire.name} that breaks ends its response as failed`, async () => {
    const { other, run } = await askedOf(format);
    other.head(200, EVENT_STREAM);
    other.chunk(text.slice(0, text.indexOf("Gott") + 40));
    other.fail("cut");
    await run.done;
    const events = eventsIn(Buffer.from(run.reader.text));
    assert.equal(events.at(-1)?.name, "response.failed");
    assert.ok(events.every(({ name }) => name !== "response.completed"));
    assert.equal(run.settlements[0]!.outcome, "cut");
  });
}

test("a process that stops ends a translated response as failed", async () => {
  const { other, run } = await askedOf(chatFormat);
  other.head(200, EVENT_STREAM);
  other.chunk(textEvent("Hello"));
  run.stopAll();
  await run.done;
  const { name, fields } = eventsIn(Buffer.from(run.reader.text)).at(-1)!;
  assert.equal(name, "response.failed");
  assert.deepEqual(fieldsOf(fieldsOf(fields.response).error).code, "OVERLOADED");
});

test("a provider that speaks responses is sent all but the thoughts of others that we sealed", () => {
  const ours = { type: "reasoning", summary: [], encrypted_content: "tollgate_e30" };
  const theirs = { type: "reasoning", summary: [], encrypted_content: "gAAAA" };
  const user = { role: "user", content: "Hello" };
  assert.equal(purged(asked({ input: [user, theirs] })), undefined);
  const taken = purged(asked({ input: [user, ours, theirs] }));
  assert.deepEqual(taken?.body.input, [user, theirs]);
  assert.deepEqual([taken?.dropped, taken?.answers], [["input.reasoning"], undefined]);
});
