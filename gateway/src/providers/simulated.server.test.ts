import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { sleep, systemClock } from "../lib/clock.ts";
import { startSimulatedServer } from "./simulated.server.ts";
import type { SimulatedCall } from "./simulated.ts";

const messages = [{ role: "user" as const, content: "What is the weather in Vienna today?" }];

async function started() {
  const calls: SimulatedCall[] = [];
  const server = await startSimulatedServer({ log: (call) => calls.push(call) });
  const client = new OpenAI({ baseURL: server.baseUrl, apiKey: "any", maxRetries: 0 });
  return { calls, client, server, [Symbol.asyncDispose]: () => server.close() };
}

test("the official client reads a whole answer", async () => {
  await using sim = await started();
  const answer = await sim.client.chat.completions.create({ model: "sim-cached-90", messages });
  assert.equal(answer.choices[0]?.message.content, messages[0]?.content);
  assert.equal(answer.choices[0]?.finish_reason, "stop");
  assert.equal(
    answer.usage?.prompt_tokens_details?.cached_tokens,
    Math.floor(answer.usage!.prompt_tokens * 0.9),
  );
  const [call] = sim.calls;
  assert.equal(call?.id, answer.id);
  assert.equal(call?.promptTokens, answer.usage?.prompt_tokens);
  assert.equal(call?.outputTokens, answer.usage?.completion_tokens);
  assert.equal(call?.aborted, false);
});

test("the official client reads a stream with usage", async () => {
  await using sim = await started();
  const stream = await sim.client.chat.completions.create({
    model: "sim-words-200",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage;
  }
  assert.equal(text.split(" ").length, 200);
  assert.equal(usage?.completion_tokens, 200);
  assert.equal(sim.calls[0]?.outputTokens, 200);
});

test("the official client assembles a tool call from a stream", async () => {
  await using sim = await started();
  const tools = [{ type: "function" as const, function: { name: "weather", parameters: {} } }];
  const request = { model: "sim-tools", messages, tools };
  const whole = (await sim.client.chat.completions.create(request)).choices[0]?.message.tool_calls?.[0];
  const runner = sim.client.chat.completions.stream(request);
  const streamed = (await runner.finalChatCompletion()).choices[0]?.message.tool_calls?.[0];
  for (const call of [whole, streamed]) {
    assert.ok(call?.type === "function");
    assert.equal(call.function.name, "weather");
    assert.deepEqual(JSON.parse(call.function.arguments), { query: messages[0]?.content });
  }
});

test("the official client throws the error that belongs to each refusal", async () => {
  await using sim = await started();
  const refusals = [
    ["sim-400", OpenAI.BadRequestError, "invalid_value"],
    ["sim-401", OpenAI.AuthenticationError, "invalid_api_key"],
    ["sim-404", OpenAI.NotFoundError, "model_not_found"],
    ["sim-429-3s", OpenAI.RateLimitError, "rate_limit_exceeded"],
    ["sim-quota", OpenAI.RateLimitError, "insufficient_quota"],
    ["sim-500", OpenAI.InternalServerError, null],
    ["sim-529", OpenAI.InternalServerError, null],
  ] as const;
  for (const [model, kind, code] of refusals) {
    await assert.rejects(sim.client.chat.completions.create({ model, messages }), (error) => {
      assert.ok(error instanceof kind, model);
      assert.equal(error.code, code, model);
      return true;
    });
  }
});

test("the official client fails on a cut and on an error inside a stream", async () => {
  await using sim = await started();
  for (const model of ["sim-cut-40of60", "sim-error-midstream"]) {
    const stream = await sim.client.chat.completions.create({ model, messages, stream: true });
    await assert.rejects(async () => {
      for await (const _chunk of stream);
    }, model);
  }
  assert.equal(sim.calls[0]?.outputTokens, 40);
});

test("a client that leaves stops the bill and frees its connection", async () => {
  await using sim = await started();
  const stream = await sim.client.chat.completions.create({
    model: "sim-slow-20tps",
    messages,
    stream: true,
  });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) break;
  }
  while (sim.calls.length === 0) await sleep(systemClock, 5);
  assert.equal(sim.calls[0]?.aborted, true);
  assert.ok(sim.calls[0]!.outputTokens < 10);
  while ((await sim.server.connections()) > 0) await sleep(systemClock, 5);
});

test("the models are listed", async () => {
  await using sim = await started();
  const { data } = await sim.client.models.list();
  assert.ok(data.some(({ id }) => id === "sim-echo"));
});
