import assert from "node:assert/strict";
import { after, test } from "node:test";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { startBooked } from "./booked.ts";
import { aiSdkModels } from "./clients.ai-sdk.ts";
import { anthropicClient, heard, openAiClient, upstreams } from "./clients.ts";

const booked = await startBooked((upstream) => ({ ...upstream.env, ...upstream.anthropicEnv }));
const { upstream, server, newToken } = booked;
after(() => booked[Symbol.asyncDispose]());
const gate = () => heard({ url: server.url, token: newToken() });

const city = "Vienna";
const result = "Sunny, 21 degrees.";
const schema = { type: "object" as const, properties: { query: { type: "string" as const } } };

for (const provider of upstreams) {
  const model = `${provider}/sim-tools`;

  test(`OpenAI's client has a tool called and answered by ${provider}, whole and streamed`, async () => {
    const { completions } = openAiClient(gate()).chat;
    const user = { role: "user" as const, content: city };
    const named = { name: "weather", description: "The weather.", parameters: schema };
    const asked = { model, messages: [user], tools: [{ type: "function" as const, function: named }] };
    for (const first of [
      await completions.create(asked),
      await completions.stream(asked).finalChatCompletion(),
    ]) {
      const [choice] = first.choices;
      assert.equal(choice?.finish_reason, "tool_calls");
      const { content, tool_calls } = choice.message;
      const [call] = tool_calls!;
      assert.ok(call?.type === "function");
      assert.deepEqual(
        [call.function.name, JSON.parse(call.function.arguments)],
        ["weather", { query: city }],
      );
      const called = { role: "assistant" as const, content, tool_calls: [call] };
      const told = { role: "tool" as const, tool_call_id: call.id, content: result };
      const second = await completions.create({ ...asked, messages: [user, called, told] });
      assert.equal(second.choices[0]?.message.content, result);
    }
  });

  test(`Anthropic's client has a tool used and answered by ${provider}, whole and streamed`, async () => {
    const { messages } = anthropicClient(gate());
    const user = { role: "user" as const, content: city };
    const tools = [{ name: "weather", description: "The weather.", input_schema: schema }];
    const asked = { model, max_tokens: 500, messages: [user], tools };
    for (const first of [await messages.create(asked), await messages.stream(asked).finalMessage()]) {
      assert.equal(first.stop_reason, "tool_use");
      const use = first.content.at(-1);
      assert.ok(use?.type === "tool_use");
      assert.deepEqual([use.name, use.input], ["weather", { query: city }]);
      const told = { type: "tool_result" as const, tool_use_id: use.id, content: result };
      const turns = [
        user,
        { role: "assistant" as const, content: first.content },
        { role: "user" as const, content: [told] },
      ];
      const second = await messages.create({ ...asked, messages: turns });
      assert.deepEqual(
        second.content.map((block) => (block.type === "text" ? block.text : block.type)),
        [result],
      );
    }
  });
}

for (const [name, modelAt] of Object.entries(aiSdkModels)) {
  for (const provider of upstreams) {
    test(`${name} runs a loop of tools at ${provider}, whole and streamed`, async () => {
      const queries: unknown[] = [];
      const weather = tool({
        description: "The weather.",
        inputSchema: jsonSchema<{ query: string }>(schema),
        execute: async ({ query }) => {
          queries.push(query);
          return result;
        },
      });
      const asked = {
        model: modelAt(gate(), `${provider}/sim-tools`),
        prompt: city,
        tools: { weather },
        stopWhen: stepCountIs(3),
        maxOutputTokens: 500,
        maxRetries: 0,
      };
      const whole = await generateText(asked);
      const streamed = streamText(asked);
      for (const text of [whole.text, await streamed.text]) assert.match(text, /Sunny, 21 degrees\./);
      assert.deepEqual([whole.steps.length, (await streamed.steps).length], [2, 2]);
      assert.deepEqual(queries, [city, city]);
    });
  }
}

test("OpenAI's client has a function called and answered in a stream of responses", async () => {
  const { responses } = openAiClient(gate());
  const weather = {
    type: "function" as const,
    name: "weather",
    parameters: schema,
    strict: false,
  };
  const asked = { model: "openai/sim-tools", tools: [weather] };
  const { output } = await responses.stream({ ...asked, input: city }).finalResponse();
  const [call] = output;
  assert.ok(call?.type === "function_call");
  assert.deepEqual(JSON.parse(call.arguments), { query: city });
  const told = { type: "function_call_output" as const, call_id: call.call_id, output: result };
  const { parsed_arguments: _, ...called } = call;
  const second = await responses.create({ ...asked, input: [{ role: "user", content: city }, called, told] });
  assert.equal(second.output_text, result);
});

test("Anthropic's client counts tokens: told by Anthropic, estimated for others, and nothing is billed", async () => {
  const counting = gate();
  const { messages } = anthropicClient(counting);
  const asked = { messages: [{ role: "user" as const, content: city }], system: "Be brief." };
  const told = await messages.countTokens({ model: "anthropic/sim-echo", ...asked });
  const message = await messages.create({ model: "anthropic/sim-echo", max_tokens: 9, ...asked });
  assert.equal(told.input_tokens, message.usage.input_tokens);
  const guessed = await messages.countTokens({ model: "openai/sim-echo", ...asked });
  assert.ok(guessed.input_tokens >= told.input_tokens);
  assert.deepEqual(
    counting.responses.map(({ headers }) => headers.get("x-tollgate-estimated")),
    [null, null, "true"],
  );
  const counts = upstream.calls.filter(({ path }) => path.endsWith("count_tokens"));
  assert.deepEqual(
    counts.map(({ promptTokens, outputTokens }) => promptTokens + outputTokens),
    [0],
  );
});
