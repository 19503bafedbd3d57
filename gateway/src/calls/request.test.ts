import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TollgateError } from "../lib/errors.ts";
import { chatFormat, embeddingsFormat, type Format, messagesFormat, responsesFormat } from "./formats.ts";
import { aiRequest, upstreamBody } from "./request.ts";

const usual = { model: "gpt-5.1", messages: [{ role: "user", content: "Hello" }] };

function pathsOf(json: unknown, format: Format = chatFormat): readonly string[] {
  try {
    aiRequest(format, json, 100);
    return [];
  } catch (error) {
    assert.ok(error instanceof TollgateError && error.is("VALIDATION_FAILED"));
    return error.details.faults.map(({ path }) => path);
  }
}

function sent(
  body: Record<string, unknown>,
  { asksForUsage = true, outputCap }: { asksForUsage?: boolean; outputCap?: number } = {},
): Record<string, unknown> {
  const request = aiRequest(chatFormat, { ...usual, ...body }, 100);
  const said = { model: "upstream-name", asksForUsage: asksForUsage && request.stream, outputCap };
  return JSON.parse(upstreamBody(chatFormat, request.body, said).toString());
}

test("every field that Tollgate decides on is refused at its path", () => {
  for (const [json, paths] of [
    [null, [""]],
    [[], [""]],
    ["text", [""]],
    [{}, ["model", "messages"]],
    [{ ...usual, model: 7 }, ["model"]],
    [{ ...usual, model: "  " }, ["model"]],
    [{ ...usual, model: "x".repeat(257) }, ["model"]],
    [{ ...usual, messages: [] }, ["messages"]],
    [{ ...usual, messages: "Hello" }, ["messages"]],
    [{ ...usual, messages: [{ role: "user" }, null, { role: 7 }] }, ["messages[1]", "messages[2].role"]],
    [{ ...usual, stream: "true" }, ["stream"]],
    [{ ...usual, stream_options: [] }, ["stream_options"]],
    [{ ...usual, max_tokens: 0 }, ["max_tokens"]],
    [{ ...usual, max_completion_tokens: 1.5 }, ["max_completion_tokens"]],
    [{ ...usual, n: "2" }, ["n"]],
    [{ model: "", stream: 1, messages: {}, n: 0 }, ["model", "stream", "messages", "n"]],
  ] as const) {
    assert.deepEqual(pathsOf(json), paths, JSON.stringify(json)?.slice(0, 80));
  }
});

test("of endless faulty messages ten are told", () => {
  assert.equal(pathsOf({ ...usual, messages: Array(1_000).fill(7) }).length, 10);
});

test("null stands for not given, as providers read it", () => {
  const { stream, wantsUsage } = aiRequest(
    chatFormat,
    { ...usual, stream: null, stream_options: null, max_tokens: null },
    100,
  );
  assert.deepEqual([stream, wantsUsage], [false, false]);
});

test("whatever JSON comes is understood or refused as invalid", () => {
  const odd = fc.record(
    {
      model: fc.oneof(fc.jsonValue(), fc.constant("m")),
      messages: fc.oneof(fc.jsonValue(), fc.constant(usual.messages)),
      stream: fc.oneof(fc.jsonValue(), fc.boolean()),
      tools: fc.jsonValue(),
      n: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(fc.property(odd, (json) => void pathsOf(json)));
});

test("fields that Tollgate does not know reach the provider unchanged", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string().map((name) => `x_${name}`),
        fc.jsonValue(),
      ),
      (extra) => {
        const expected = JSON.parse(JSON.stringify({ ...usual, ...extra, model: "upstream-name" }));
        assert.deepEqual(sent(extra), expected);
      },
    ),
  );
});

test("a stream is asked for its usage, keeping the client's other options", () => {
  const options = (body: Record<string, unknown>, asksForUsage = true) =>
    sent(body, { asksForUsage }).stream_options;
  assert.deepEqual(options({ stream: true }), { include_usage: true });
  assert.deepEqual(options({ stream: true, stream_options: { include_usage: false, x: 1 } }), {
    include_usage: true,
    x: 1,
  });
  assert.equal(options({ stream: true }, false), undefined);
  assert.equal(options({ stream: false }), undefined);
});

test("under a budget every spelling of the output limit is held to what was reserved", () => {
  const spellings = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
  fc.assert(
    fc.property(
      fc.subarray(spellings),
      fc.integer({ min: 1, max: 9_000 }),
      fc.integer({ min: 1, max: 9_000 }),
      (names, asked, cap) => {
        const body = sent(Object.fromEntries(names.map((name) => [name, asked])), { outputCap: cap });
        for (const name of names) assert.equal(body[name], Math.min(asked, cap));
        const limits = spellings.filter((name) => name in body);
        assert.deepEqual(limits, names.length === 0 ? ["max_completion_tokens"] : names);
        if (names.length === 0) assert.equal(body.max_completion_tokens, cap);
      },
    ),
  );
});

test("without a budget nothing is said about the output that the client did not say", () => {
  assert.deepEqual(sent({ max_tokens: 77 }), { ...usual, model: "upstream-name", max_tokens: 77 });
});

test("each format is refused what Tollgate decides on and is wrong", () => {
  const model = "m";
  for (const [format, json, paths] of [
    [messagesFormat, { ...usual, max_tokens: 16 }, []],
    [messagesFormat, usual, ["max_tokens"]],
    [messagesFormat, { ...usual, max_tokens: 0 }, ["max_tokens"]],
    [messagesFormat, { model, max_tokens: 9, messages: "Hello" }, ["messages"]],
    [responsesFormat, { model, input: "Hello" }, []],
    [responsesFormat, { model, input: [{ role: "user", content: "Hello" }] }, []],
    [responsesFormat, { model, instructions: "Say hello" }, []],
    [responsesFormat, { model }, ["input"]],
    [responsesFormat, { model, input: 7, max_output_tokens: "9" }, ["input", "max_output_tokens"]],
    [responsesFormat, { model, input: "Hello", background: true }, ["background"]],
    [embeddingsFormat, { model, input: "Hello" }, []],
    [embeddingsFormat, { model, input: [[1, 2, 3]] }, []],
    [embeddingsFormat, { model, input: [] }, ["input"]],
    [embeddingsFormat, { model, input: "Hello", stream: true }, ["stream"]],
  ] as const) {
    assert.deepEqual(pathsOf(json, format), paths, `${format.operation} ${JSON.stringify(json)}`);
  }
});

test("the output of each format is held by its own limit, and what has no output is not", () => {
  for (const [format, expected] of [
    [chatFormat, { max_completion_tokens: 50 }],
    [responsesFormat, { max_output_tokens: 50 }],
    [messagesFormat, { max_tokens: 50 }],
    [embeddingsFormat, {}],
  ] as const) {
    const body = upstreamBody(format, {}, { model: "m", asksForUsage: false, outputCap: 50 });
    assert.deepEqual(JSON.parse(body.toString()), { model: "m", ...expected });
  }
});

test("the limit on a chat's output is spelled as the provider knows it, and the smallest counts", () => {
  const said = { model: "m", asksForUsage: false, outputCap: 50, outputLimit: "max_tokens" };
  for (const body of [{}, { max_output_tokens: 70 }, { max_completion_tokens: 70, max_tokens: 60 }]) {
    const sent = JSON.parse(upstreamBody(chatFormat, body, said).toString());
    assert.deepEqual(sent, { model: "m", max_tokens: 50 });
  }
});
