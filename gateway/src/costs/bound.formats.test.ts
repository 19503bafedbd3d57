import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { embeddingsBound } from "./bound.embeddings.ts";
import type { Body } from "./bound.fields.ts";
import { messagesBound } from "./bound.messages.ts";
import { boundOfModel } from "./bound.model.ts";
import { responsesBound } from "./bound.responses.ts";
import { type Bound, type BoundOrFaults, inputCeiling, reserveFor } from "./bound.ts";
import { ratesFrom } from "./rates.ts";

type Reader = (body: Body, bodyBytes: number) => BoundOrFaults;

function read(reader: Reader, body: Body): Bound {
  const found = reader(body, Buffer.byteLength(JSON.stringify(body)));
  assert.ok(found.valid);
  return found.bound;
}

const unboundedIn = (reader: Reader, body: Body) => read(reader, body).unbounded.map(({ path }) => path);
const user = (...content: unknown[]) => ({ messages: [{ role: "user", content }] });
const data = "A".repeat(10_000);

test("of Anthropic's messages the limit, the tools and the service tier are read", () => {
  const tools = [{ name: "f", input_schema: {} }, { type: "bash_20250124" }, { type: "custom" }];
  const bound = read(messagesBound, { ...user(), max_tokens: 77, tools, speed: "fast" });
  const { outputCap, hasTools, choices, serviceTier, unbounded } = bound;
  assert.deepEqual([outputCap, hasTools, choices, serviceTier, unbounded], [77, true, 1, "fast", []]);
  assert.equal(messagesBound({ max_tokens: 0 }, 10).valid, false);
});

test("an image inside a message counts as an image, not as its bytes, wherever it is", () => {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data } };
  const nested = { type: "tool_result", tool_use_id: "t", content: [image, { type: "text", text: "x" }] };
  const named = { type: "image", source: { type: "url", url: "https://example.com/a.png" } };
  const bound = read(messagesBound, user(image, nested, named));
  assert.equal(bound.images, 3);
  assert.ok(bound.textBytes < 1_000);
  const url = `data:image/png;base64,${data}`;
  const input = [{ role: "user", content: [{ type: "input_image", image_url: url }] }];
  const ofResponses = read(responsesBound, { input });
  assert.deepEqual([ofResponses.images, ofResponses.textBytes < 1_000], [1, true]);
});

test("what a message's bytes do not bound is named at its path", () => {
  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data } };
  const text = { type: "document", source: { type: "text", media_type: "text/plain", data: "Hello" } };
  for (const [body, paths] of [
    [user({ type: "text", text: "Hi" }, { type: "thinking", thinking: "…" }, text), []],
    [user(text, pdf), ["messages[0].content[1]"]],
    [user({ type: "tool_result", content: [pdf] }), ["messages[0].content[0].content[0]"]],
    [{ ...user(), system: [pdf] }, ["system[0]"]],
    [{ ...user(), tools: [{ type: "web_search_20250305", name: "w" }] }, ["tools[0]"]],
    [
      { ...user(), mcp_servers: [{}], container: "c", context_management: {} },
      ["mcp_servers", "container", "context_management"],
    ],
    [{ ...user(), container: null }, []],
    [{ ...user(), context_management: { edits: [{ type: "clear_thinking_20251015" }] } }, []],
    [{ ...user(), context_management: { edits: [{ type: "compact_20260112" }] } }, ["context_management"]],
  ] as const) {
    assert.deepEqual(unboundedIn(messagesBound, body), paths);
  }
});

test("what a response's bytes do not bound is named at its path", () => {
  const call = { type: "function_call", name: "f", arguments: "{}", call_id: "c" };
  for (const [body, paths] of [
    [{ input: "Hello", tools: [{ type: "function" }, { type: "custom" }, { type: "local_shell" }] }, []],
    [{ input: [call, { ...call, type: "function_call_output", output: "x" }, { type: "reasoning" }] }, []],
    [{ input: [{ type: "item_reference", id: "i" }] }, ["input[0]"]],
    [{ input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }, ["input[0].content[0]"]],
    [{ input: "Hi", tools: [{ type: "web_search" }, { type: "mcp" }] }, ["tools[0]", "tools[1]"]],
    [
      { input: "Hi", previous_response_id: "r", conversation: {}, prompt: {} },
      ["previous_response_id", "conversation", "prompt"],
    ],
  ] as const) {
    assert.deepEqual(unboundedIn(responsesBound, body), paths);
  }
});

test("embeddings have an input and no output", () => {
  const { outputCap, textBytes, unbounded } = read(embeddingsBound, { input: [[1, 2, 3]] });
  assert.deepEqual([outputCap, textBytes, unbounded], [0, 19, []]);
});

test("a type that is no text is no type", () => {
  const hostile = { type: { toString: 1, valueOf: 1 } };
  assert.deepEqual(unboundedIn(messagesBound, { ...user(hostile), tools: [hostile] }).length, 2);
  assert.deepEqual(unboundedIn(responsesBound, { input: [hostile], tools: [hostile] }).length, 2);
});

test("whatever body comes, it is bounded or refused, and never by less than its text", () => {
  const readers: readonly Reader[] = [messagesBound, responsesBound, embeddingsBound];
  const body = fc.record(
    {
      system: fc.jsonValue(),
      messages: fc.jsonValue(),
      input: fc.jsonValue(),
      tools: fc.jsonValue(),
      max_tokens: fc.jsonValue(),
      max_output_tokens: fc.jsonValue(),
      service_tier: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, fc.constantFrom(...readers), (some, reader) => {
      const bytes = Buffer.byteLength(JSON.stringify(some));
      const found = reader(some, bytes);
      if (found.valid && found.bound.images === 0) assert.equal(found.bound.textBytes, bytes);
    }),
  );
});

test("a bound is that of the model: mini's dear images, searches nobody asked for, room beside the thinking", () => {
  const body = { ...user(), max_tokens: 5_000, thinking: { type: "enabled", budget_tokens: 3_000 } };
  const bound = { ...read(messagesBound, body), images: 2 };
  const of = (model: string) => boundOfModel(bound, model, body);
  assert.equal(
    inputCeiling(of("gpt-4o-mini-2024-07-18")) - inputCeiling(of("gpt-5.1")),
    2 * (48_200 - 4_800),
  );
  assert.equal(of("gpt-4o-search-preview").searches, 1);
  const rates = ratesFrom({ input: "1", output: "2" });
  const { needPico, inputPico, stepPico } = reserveFor(of("claude"), rates, { underBudget: true });
  assert.equal(needPico - inputPico, 3_016n * stepPico);
});

test("a body that grows when it is written anew is bounded by what is sent", () => {
  const text = `{"messages":[],"max_tokens":1,"numbers":[${"9e15,".repeat(999)}9e15]}`;
  const body = JSON.parse(text) as Body;
  const found = messagesBound(body, text.length);
  assert.ok(found.valid);
  assert.equal(boundOfModel(found.bound, "m", body).textBytes, JSON.stringify(body).length);
});
