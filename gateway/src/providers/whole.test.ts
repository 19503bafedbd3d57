import assert from "node:assert/strict";
import { test } from "node:test";
import { openAiChat } from "./openai.chat.ts";
import { openAiError } from "./openai.error.ts";
import { wholeAnswer } from "./whole.ts";

const read = (value: unknown) =>
  wholeAnswer(openAiChat, Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
const choice = { index: 0, message: { role: "assistant", content: "héllo" }, finish_reason: "stop" };

test("a whole answer tells its model, usage and text", () => {
  const answer = read({ model: "m", choices: [choice], usage: { prompt_tokens: 1, completion_tokens: 2 } });
  assert.equal(answer?.isAnswer, true);
  assert.equal(answer?.model, "m");
  assert.equal(answer?.metered?.usage.output, 2);
  assert.equal(answer?.textBytes, 6);
  assert.equal(answer?.error, undefined);
});

test("tool arguments and refusals are text, names and ids are not", () => {
  const call = { id: "call_1", type: "function", function: { name: "look", arguments: '{"a":1}' } };
  const message = { role: "assistant", content: null, refusal: "no", tool_calls: [call] };
  assert.equal(read({ choices: [{ message }] })?.textBytes, 9);
});

test("half a JSON object, a web page, nothing and a JSON array are no answer", () => {
  for (const body of ['{"choices":[', "<html>", "", "[]", "null", "7"]) assert.equal(read(body), undefined);
});

test("an object without messages is no chat completion", () => {
  for (const body of [
    {},
    { choices: [] },
    { choices: [{ text: "x" }] },
    { choices: "x" },
    { error: { message: "m" } },
  ]) {
    assert.equal(read(body)?.isAnswer, false);
  }
});

test("an answer that nests without end is read without harm", () => {
  const depth = 200_000;
  const body = `{"choices":[{"message":${'{"content":'.repeat(depth)}1${"}".repeat(depth)}}]}`;
  assert.equal(read(body)?.textBytes ?? 0, 0);
});

test("every provider's way to say error is understood", () => {
  const noReason = "The provider gave no reason.";
  const cases: [unknown, unknown][] = [
    [{ error: { message: "m", type: "t", param: null, code: "c" } }, { message: "m", code: "c" }],
    [{ error: { message: "m", type: "t", code: null } }, { message: "m", code: "t" }],
    [{ error: { code: 502, message: "m", metadata: {} } }, { message: "m", status: 502 }],
    [
      { code: "c", error: "text" },
      { message: "text", code: "c" },
    ],
    [{ error: "text" }, { message: "text" }],
    [
      { object: "error", message: "m", code: 404 },
      { message: "m", status: 404 },
    ],
    [
      { error: { message: "m" }, status_code: 400 },
      { message: "m", status: 400 },
    ],
    [{ error: {} }, { message: noReason }],
    [{ error: { message: 5, code: 99 } }, { message: noReason }],
    [{ error: null }, undefined],
    [{ choices: [] }, undefined],
  ];
  for (const [answer, expected] of cases) {
    assert.deepEqual(openAiError(answer as Record<string, unknown>), expected, JSON.stringify(answer));
  }
});
