import assert from "node:assert/strict";
import { test } from "node:test";
import { faultsOfStream, faultsOfWhole } from "./check.ts";
import { chatBody } from "./request.ts";

const usage = { prompt_tokens: 256, completion_tokens: 64 };
const whole = { choices: [{ message: { content: "Yes." } }], usage };
const content = { choices: [{ delta: { content: " word" } }], usage: null };

function stream(...events: unknown[]): string {
  return events.map((event) => `data: ${event === "[DONE]" ? event : JSON.stringify(event)}\n\n`).join("");
}

test("a whole answer needs its content and the usage of the upstream", () => {
  assert.deepEqual(faultsOfWhole(JSON.stringify(whole)), []);
  assert.deepEqual(faultsOfWhole(JSON.stringify({ ...whole, choices: [] })), ["no content"]);
  assert.deepEqual(faultsOfWhole(JSON.stringify({ choices: whole.choices })), [
    "not the usage of the upstream",
  ]);
  assert.deepEqual(faultsOfWhole("<html>"), ["not JSON"]);
});

test("a stream needs every chunk, its usage and its end", () => {
  const last = { choices: [], usage: { prompt_tokens: 256, completion_tokens: 2 } };
  assert.deepEqual(faultsOfStream(stream(content, content, last, "[DONE]"), 2), []);
  assert.deepEqual(faultsOfStream(stream(content), 2), [
    "1 of 2 chunks",
    "not the usage of the upstream",
    "no [DONE]",
  ]);
});

test("a chat request has exactly as many bytes as asked for", () => {
  for (const bytes of [1024, 32 * 1024]) {
    const body = chatBody("gpt-5.1", { bytes, stream: true });
    assert.equal(Buffer.byteLength(body), bytes);
    assert.equal(JSON.parse(body).stream, true);
  }
  assert.throws(() => chatBody("gpt-5.1", { bytes: 20, stream: false }), RangeError);
});
