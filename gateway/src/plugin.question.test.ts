import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { TollgateError } from "./lib/errors.ts";
import { readQuestion } from "./plugin.question.ts";
import type { AiQuestion } from "./plugin.ts";

const messages = [{ role: "user", content: "Hello" }] as const;

/** The paths of what is wrong with a question. */
function pathsOf(question: unknown): readonly string[] {
  try {
    readQuestion(question as AiQuestion, "sim-echo");
    return [];
  } catch (error) {
    assert.ok(error instanceof TollgateError && error.is("VALIDATION_FAILED"), String(error));
    return error.details.faults.map(({ path }) => path);
  }
}

test("a question that cannot be asked is refused with the path of every fault", () => {
  const wrong: readonly (readonly [unknown, readonly string[]])[] = [
    [undefined, [""]],
    ["Hello", [""]],
    [{}, ["messages"]],
    [{ messages: [] }, ["messages"]],
    [{ messages: "Hello" }, ["messages"]],
    [{ messages: ["Hello"] }, ["messages[0]"]],
    [{ messages: [{ role: "User", content: "Hello" }] }, ["messages[0].role"]],
    [{ messages: [...messages, { role: "user", content: 3 }] }, ["messages[1].content"]],
    [{ messages: [{ role: "user", content: [{ text: "Hello" }] }] }, ["messages[0].content"]],
    [{ messages, maxTokens: -1, temperature: "hot" }, ["maxTokens", "temperature"]],
    [{ messages, maxTokens: 1e9 }, ["maxTokens"]],
    [{ messages, max_tokens: 5 }, ["max_tokens"]],
    [{ messages, model: "" }, ["model"]],
    [{ messages, signal: {} }, ["signal"]],
    [{ messages, schema: "object" }, ["schema"]],
    [{ messages, schema: { _def: {}, parse() {} } }, ["schema"]],
    [{ messages, schema: { type: "no such type" } }, ["schema"]],
  ];
  for (const [question, paths] of wrong) assert.deepEqual(pathsOf(question), paths, JSON.stringify(question));
});

test("a message is a text, or parts of one", () => {
  const parts = [
    { type: "text", text: "Hello" },
    { type: "image_url", image_url: { url: "data:image/png;base64," } },
  ];
  const { body } = readQuestion({ messages: [{ role: "user", content: parts }], maxTokens: 5 }, "sim-echo");
  assert.deepEqual(body, {
    model: "sim-echo",
    messages: [{ role: "user", content: parts }],
    max_completion_tokens: 5,
  });
});

test("an answer fits its schema, a zod type or a JSON Schema, or there is none", () => {
  const shape = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  for (const schema of [z.object({ n: z.number() }), shape]) {
    const { fitting } = readQuestion<unknown>({ messages, schema }, "sim-echo");
    assert.deepEqual(fitting!('{"n":1}'), { n: 1 });
    assert.equal(fitting!('{"n":"one"}'), undefined);
    assert.equal(fitting!("one"), undefined);
  }
  assert.equal(readQuestion({ messages }, "sim-echo").fitting, undefined);
});
