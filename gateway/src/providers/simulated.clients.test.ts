import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { startSimulatedServer } from "./simulated.server.ts";
import type { SimulatedCall } from "./simulated.ts";

const question = "What is the weather in Vienna today?";
const messages = [{ role: "user" as const, content: question }];

async function started() {
  const calls: SimulatedCall[] = [];
  const server = await startSimulatedServer({ log: (call) => calls.push(call) });
  return {
    calls,
    openai: new OpenAI({ baseURL: server.baseUrl, apiKey: "any", maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: server.origin, apiKey: "any", maxRetries: 0 }),
    [Symbol.asyncDispose]: server.close,
  };
}

test("OpenAI's client reads a response, whole and streamed", async () => {
  await using sim = await started();
  const asked = { model: "sim-cached-90", input: question };
  const whole = await sim.openai.responses.create(asked);
  const streamed = await sim.openai.responses.stream(asked).finalResponse();
  for (const [index, { output_text, status, usage }] of [whole, streamed].entries()) {
    assert.deepEqual([output_text, status], [question, "completed"]);
    const call = sim.calls[index]!;
    assert.deepEqual(
      [usage?.input_tokens, usage?.input_tokens_details.cached_tokens, usage?.output_tokens],
      [call.promptTokens, call.cachedTokens, call.outputTokens],
    );
    assert.equal(call.path, "/responses");
  }
});

test("OpenAI's client assembles a tool call and sealed reasoning from a stream of a response", async () => {
  await using sim = await started();
  const parameters = { type: "object", properties: { query: { type: "string" } } };
  const tools = [{ type: "function" as const, name: "weather", parameters, strict: false }];
  const stream = sim.openai.responses.stream({ model: "sim-tools", input: question, tools });
  const [call] = (await stream.finalResponse()).output;
  assert.ok(call?.type === "function_call");
  assert.deepEqual([call.name, JSON.parse(call.arguments)], ["weather", { query: question }]);
  const include = ["reasoning.encrypted_content" as const];
  const thought = sim.openai.responses.stream({ model: "sim-reasoning", input: question, include });
  const { output, usage } = await thought.finalResponse();
  assert.ok(output[0]?.type === "reasoning");
  assert.ok(output[0].encrypted_content);
  assert.equal(usage?.output_tokens_details.reasoning_tokens, 64);
});

test("OpenAI's client tells a response that was cut off from one that failed", async () => {
  await using sim = await started();
  const short = { model: "sim-words-20", input: question, max_output_tokens: 16 };
  const { status, incomplete_details } = await sim.openai.responses.stream(short).finalResponse();
  assert.deepEqual([status, incomplete_details?.reason], ["incomplete", "max_output_tokens"]);
  for (const model of ["sim-error-midstream", "sim-cut-40of60"]) {
    const stream = await sim.openai.responses.create({ model, input: question, stream: true });
    await assert.rejects(async () => {
      let isWhole = false;
      for await (const { type } of stream) isWhole ||= type === "response.completed";
      assert.ok(isWhole, "it is not whole");
    }, model);
  }
});

test("OpenAI's client reads embeddings in its own encoding", async () => {
  await using sim = await started();
  const { data, usage } = await sim.openai.embeddings.create({
    model: "sim-echo",
    input: [question, "Hello"],
    dimensions: 8,
  });
  assert.deepEqual([data.length, data[0]?.embedding.length], [2, 8]);
  assert.ok(Math.abs(Math.hypot(...data[0]!.embedding) - 1) < 1e-6);
  assert.equal(usage.prompt_tokens, sim.calls[0]?.promptTokens);
});

test("Anthropic's client reads a message, whole and streamed, with what its cache read and wrote", async () => {
  await using sim = await started();
  for (const model of ["sim-cached-90", "sim-cache-write-50"]) {
    const asked = { model, messages, max_tokens: 100 };
    const whole = await sim.anthropic.messages.create(asked);
    const streamed = await sim.anthropic.messages.stream(asked).finalMessage();
    for (const { content, stop_reason, usage } of [whole, streamed]) {
      assert.equal(content.map((block) => (block.type === "text" ? block.text : "")).join(""), question);
      assert.equal(stop_reason, "end_turn");
      const call = sim.calls.shift()!;
      const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage;
      assert.deepEqual([read, written], [call.cachedTokens, call.cacheWriteTokens]);
      assert.equal(usage.input_tokens + read! + written!, call.promptTokens);
      assert.equal(usage.output_tokens, call.outputTokens);
    }
  }
});

test("Anthropic's client assembles the use of a tool and counts tokens", async () => {
  await using sim = await started();
  const tools = [{ name: "weather", input_schema: { type: "object" as const } }];
  const asked = { model: "sim-tools", messages, tools };
  const message = await sim.anthropic.messages.stream({ ...asked, max_tokens: 100 }).finalMessage();
  const [use] = message.content;
  assert.ok(use?.type === "tool_use");
  assert.deepEqual([use.name, use.input, message.stop_reason], ["weather", { query: question }, "tool_use"]);
  const { input_tokens } = await sim.anthropic.messages.countTokens(asked);
  assert.equal(input_tokens, message.usage.input_tokens);
});

test("Anthropic's client throws the error that belongs to each refusal", async () => {
  await using sim = await started();
  const refusals = [
    ["sim-400", Anthropic.BadRequestError, "invalid_request_error"],
    ["sim-401", Anthropic.AuthenticationError, "authentication_error"],
    ["sim-404", Anthropic.NotFoundError, "not_found_error"],
    ["sim-429-3s", Anthropic.RateLimitError, "rate_limit_error"],
    ["sim-500", Anthropic.InternalServerError, "api_error"],
    ["sim-529", Anthropic.InternalServerError, "overloaded_error"],
  ] as const;
  for (const [model, kind, type] of refusals) {
    await assert.rejects(sim.anthropic.messages.create({ model, messages, max_tokens: 5 }), (error) => {
      assert.ok(error instanceof kind, model);
      assert.equal(error.type, type);
      assert.equal(error.requestID, (error.error as { request_id: string }).request_id);
      return true;
    });
  }
  const stream = sim.anthropic.messages.stream({ model: "sim-error-midstream", messages, max_tokens: 99 });
  await assert.rejects(stream.finalMessage(), Anthropic.APIError);
});
