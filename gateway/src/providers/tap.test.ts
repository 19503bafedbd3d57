import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openAiChat } from "./openai.chat.ts";
import { cutUp, parsedAll, spellings, tapped as tappedBy } from "./tap.testing.ts";
import { MAX_EVENT_BYTES, streamTap } from "./tap.ts";

const chatWords = {
  wire: openAiChat,
  text: ["content", "reasoning", "reasoning_content", "refusal", "arguments", "text", "thinking"],
  finish: ["finish_reason"],
};
const tapped = (chunks: readonly Buffer[], hideUsage = true) => tappedBy(openAiChat, chunks, hideUsage);

const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const said = (content: string, extra: object = {}): string =>
  sse({ id: "c", choices: [{ index: 0, delta: { content }, finish_reason: null }], ...extra });
const counts = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };
const usageEvent = sse({ id: "c", choices: [], usage: counts });
const done = "data: [DONE]\n\n";
const one = (text: string): Buffer[] => [Buffer.from(text)];

test("a chunk of whole events with nothing special passes as the very same buffer", () => {
  const tap = streamTap(openAiChat, { hideUsage: true });
  const chunk = Buffer.from(
    said("a", { usage: null, error: null }) + said('say "usage":{"prompt_tokens":1} [DONE]'),
  );
  assert.equal(tap.push(chunk), chunk);
  const windows = Buffer.from(`: comment\n\n${said("a")}`.replaceAll("\n", "\r\n"));
  assert.equal(tap.push(windows), windows);
});

test("comments wait for the first event, and pass as they come from then on", () => {
  const tap = streamTap(openAiChat, { hideUsage: true });
  const comment = Buffer.from(": OPENROUTER PROCESSING\r\n\r\n");
  assert.equal(tap.push(comment), undefined);
  assert.equal(tap.push(comment), undefined);
  assert.equal(tap.push(Buffer.from(said("a")))?.toString(), `${comment}${comment}${said("a")}`);
  assert.equal(tap.push(comment), comment);
});

test("an error behind nothing but comments is a failure, however they are cut up", () => {
  const error = sse({ error: { message: "no", code: 502 } });
  for (const chunks of [[": a\n\n", `: b\n\n${error}`], [`: a\n\n${error}`]]) {
    const tap = streamTap(openAiChat, { hideUsage: true });
    for (const chunk of chunks) tap.push(Buffer.from(chunk));
    assert.equal(tap.failed, true);
  }
});

test("an event passes with its last byte", () => {
  for (const wire of [said("a"), said("a").replaceAll("\n", "\r\n")]) {
    const tap = streamTap(openAiChat, { hideUsage: true });
    const bytes = Buffer.from(wire);
    for (let at = 0; at < bytes.length - 1; at++)
      assert.equal(tap.push(bytes.subarray(at, at + 1)), undefined);
    assert.equal(tap.push(bytes.subarray(-1))?.toString(), wire);
  }
});

test("the tap knows as soon as the end marker was seen", () => {
  const tap = streamTap(openAiChat, { hideUsage: true });
  tap.push(Buffer.from(said("a")));
  assert.equal(tap.complete, false);
  tap.push(Buffer.from(done));
  assert.equal(tap.complete, true);
});

test("the usage event that was not asked for is taken out; the end marker is held back", () => {
  const end = tapped(one(said("a") + usageEvent + done));
  assert.equal(end.passed.toString(), said("a"));
  assert.equal(end.tail.toString(), done);
  assert.equal(end.rest.length, 0);
  assert.equal(end.complete, true);
  assert.equal(end.metered?.usage.output, 5);
});

test("the usage event that was asked for passes", () => {
  const end = tapped(one(said("a") + usageEvent + done), false);
  assert.equal(end.passed.toString(), said("a") + usageEvent);
  assert.equal(end.metered?.usage.output, 5);
});

test("usage beside a choice is captured and left alone", () => {
  const beside = sse({ choices: [{ delta: { content: "x" }, finish_reason: "stop" }], usage: counts });
  const end = tapped(one(beside + done));
  assert.equal(end.passed.toString(), beside);
  assert.equal(end.metered?.usage.input, 3);
  assert.equal(end.finished, true);
});

test("Groq's own usage is captured and left alone", () => {
  const groq = sse({ choices: [{ delta: {}, finish_reason: "stop" }], x_groq: { id: "r", usage: counts } });
  const end = tapped(one(groq));
  assert.equal(end.passed.toString(), groq);
  assert.equal(end.metered?.usage.output, 5);
});

test("an event with no choices and no usage passes (Azure's filter results)", () => {
  const azure = sse({ choices: [], prompt_filter_results: [] }) + sse({ choices: [], usage: null });
  assert.equal(tapped(one(azure)).passed.toString(), azure);
});

test("a stream without an end marker is not complete", () => {
  const end = tapped(one(said("a")));
  assert.equal(end.complete, false);
  assert.equal(end.finished, false);
  assert.equal(end.metered, undefined);
  assert.equal(end.tail.length, 0);
});

test("a last event that is not closed is read, and given out last", () => {
  assert.equal(tapped(one("data: [DONE]")).tail.toString(), "data: [DONE]");
  assert.equal(tapped(one(usageEvent.trimEnd())).metered?.usage.output, 5);
  assert.equal(tapped(one(usageEvent.trimEnd())).rest.length, 0);
  const half = tapped(one(`${said("a")}data: {"choices":[{`));
  assert.equal(half.passed.toString(), said("a"));
  assert.equal(half.rest.toString(), 'data: {"choices":[{');
});

test("an error event passes and is reported", () => {
  const wire = said("a") + sse({ error: { message: "Overloaded", type: "overloaded_error", code: 529 } });
  const end = tapped(one(wire));
  assert.equal(end.passed.toString(), wire);
  assert.deepEqual(end.error, { message: "Overloaded", status: 529, code: "overloaded_error" });
  const named = tapped(one('event: error\ndata: {"message":"No","status_code":400}\n\n'));
  assert.deepEqual(named.error, { message: "No", status: 400 });
});

test("text and tool arguments are counted in UTF-8, escaped or not", () => {
  const escaped =
    'data: {"choices":[{"delta":{"role":"assistant","content":"\\u00e9\\n\\ud83d\\ude00é\\u0041"}}]}\n\n';
  assert.equal(tapped(one(escaped)).textBytes, 2 + 1 + 4 + 2 + 1);
  const call = { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: '{"a"' } };
  assert.equal(tapped(one(sse({ choices: [{ delta: { tool_calls: [call] } }] }))).textBytes, 4);
});

test("an event that is too long passes unread, and so does everything after it", () => {
  const start = Buffer.from(said("a") + usageEvent);
  const block = Buffer.alloc(256 * 1024, "x");
  const tap = streamTap(openAiChat, { hideUsage: true });
  let passed = tap.push(start)?.length ?? 0;
  let most = 0;
  passed += tap.push(Buffer.from("data: "))?.length ?? 0;
  for (let sent = 0; sent < 3 * MAX_EVENT_BYTES; sent += block.length) {
    const bytes = tap.push(block)?.length ?? 0;
    most = Math.max(most, bytes);
    passed += bytes;
  }
  passed += tap.push(Buffer.from(done))?.length ?? 0;
  const { metered, complete, rest, tail } = tap.finish();
  assert.equal(passed, said("a").length + 6 + 3 * MAX_EVENT_BYTES + done.length);
  assert.ok(most <= MAX_EVENT_BYTES + block.length + 6);
  assert.deepEqual(
    { metered, complete, rest: rest.length, tail: tail.length },
    {
      metered: undefined,
      complete: false,
      rest: 0,
      tail: 0,
    },
  );
  const sudden = Buffer.alloc(MAX_EVENT_BYTES + 1, "x");
  assert.equal(streamTap(openAiChat, { hideUsage: true }).push(sudden), sudden);
});

test("what follows the end marker is held, but not without bound", () => {
  const tap = streamTap(openAiChat, { hideUsage: true });
  tap.push(Buffer.from(done));
  const block = Buffer.alloc(1024 * 1024, "x");
  for (let i = 0; i < 32; i++) assert.equal(tap.push(block), undefined);
  assert.ok(tap.finish().tail.length <= MAX_EVENT_BYTES + block.length);
});

test("a million tiny chunks of one event cost what their bytes cost", () => {
  const tap = streamTap(openAiChat, { hideUsage: true });
  const line = Buffer.from("a\n");
  for (let i = 0; i < 1_000_000; i++) assert.equal(tap.push(line), undefined);
  assert.equal(tap.finish().rest.length, 2_000_000);
});

const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    '"usage":{"prompt_tokens":9,"completion_tokens":9}',
    "data: [DONE]\n\n",
    "usage",
    "error",
    "[DONE]",
    '"error":{"message":"m"}',
    '\\"finish_reason\\":\\"stop\\"',
    "\\",
    "日本語 😀 é",
  ),
);
const usages = fc.oneof(
  fc.constant(null),
  fc.record({ prompt_tokens: fc.nat(), completion_tokens: fc.nat(), total_tokens: fc.nat() }),
  fc.constantFrom({}, { prompt_tokens: -1, completion_tokens: 2 }, "none"),
);
const finishes = fc.constantFrom(null, "", "stop", "length", "error");
const deltas = fc.oneof(
  fc.record({ content: words, role: fc.constant("assistant") }, { requiredKeys: [] }),
  fc.record({ reasoning_content: words, refusal: fc.option(words) }),
  fc.record({
    tool_calls: fc.tuple(fc.record({ id: words, function: fc.record({ arguments: words, name: words }) })),
  }),
  fc.record({ content: fc.array(fc.record({ type: fc.constantFrom("text", "usage"), text: words })) }),
);
const chatEvents = fc.record(
  {
    id: words,
    choices: fc.array(fc.record({ delta: deltas, finish_reason: finishes }, { requiredKeys: ["delta"] }), {
      maxLength: 2,
    }),
    usage: usages,
    x_groq: fc.record({ usage: usages }),
    error: fc.oneof(fc.constant(null), fc.constantFrom("bad", { message: "m", code: 500 }, {})),
    object: fc.constantFrom("chat.completion.chunk", "error"),
  },
  { requiredKeys: ["choices"] },
);
const fields = fc.constantFrom("data: ", "data:", "data:  ");
const lineEnds = fc.constantFrom("\n", "\r\n");
const chat = fc
  .tuple(chatEvents, spellings, fields, lineEnds)
  .map(([event, spell, field, end]) => `${field}${spell(event)}${end}${end}`);
const others = fc.constantFrom(
  ": OPENROUTER PROCESSING\n\n",
  ': comment\r\ndata: {"choices":[],\r\ndata: "usage":{"prompt_tokens":1,"completion_tokens":2}}\r\n\r\n',
  "\n",
  "\r\n",
  "\r\n\n",
  "data: {half\n\n",
  'data: {"half\n\n',
  ': "content":"no text","usage":{}\n\n',
  'data: "usage"\n\n',
  "data\n\n",
  'event: error\ndata: {"message":"named"}\n\n',
  "id: 7\nretry: 10\n\n",
  'data: {"choices":[],"usage":{\n\n',
);
const ends = fc.constantFrom(done, "data:[DONE]\r\n\r\n", ": last\ndata: [DONE]\n\n", "");
const streams = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: chat }, others), { maxLength: 12 }),
    ends,
    fc.array(chat, { maxLength: 2 }),
  )
  .map(([events, end, after]) => Buffer.from([...events, end, ...after].join("")));

test("at any chunk boundaries the tap sees what parsing everything sees", () => {
  fc.assert(
    fc.property(streams, fc.array(fc.nat(), { maxLength: 40 }), fc.boolean(), (input, cuts, hideUsage) => {
      const expected = parsedAll(chatWords, input, hideUsage);
      const { passed, tail, rest, ...end } = tapped(cutUp(input, cuts), hideUsage);
      const { passed: wantPassed, tail: wantTail, ...want } = expected;
      assert.deepEqual(end, want);
      assert.equal(passed.toString("latin1") + rest.toString("latin1"), wantPassed);
      assert.equal(tail.toString("latin1"), wantTail);
    }),
    { numRuns: 4000 },
  );
});

test("a stream cut anywhere loses no byte but the hidden event, and never shows a higher usage", () => {
  fc.assert(
    fc.property(streams, fc.nat(), fc.array(fc.nat(), { maxLength: 10 }), (whole, length, cuts) => {
      const input = whole.subarray(0, length % (whole.length + 1));
      const expected = parsedAll(chatWords, input, true);
      const { passed, tail, rest, metered, complete } = tapped(cutUp(input, cuts));
      assert.equal(passed.toString("latin1") + rest.toString("latin1"), expected.passed);
      assert.equal(tail.toString("latin1"), expected.tail);
      assert.deepEqual({ metered, complete }, { metered: expected.metered, complete: expected.complete });
    }),
    { numRuns: 2000 },
  );
});

test("arbitrary bytes pass unchanged", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (parts) => {
      const chunks = parts.map((part) => Buffer.from(part));
      const { passed, rest, tail } = tapped(chunks);
      assert.deepEqual(Buffer.concat([passed, rest, tail]), Buffer.concat(chunks));
    }),
  );
});
