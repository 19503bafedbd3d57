import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, stepCountIs, tool } from "ai";
import OpenAI from "openai";
import { startBooked } from "./booked.ts";
import { heard, openAiClient } from "./clients.ts";
import { readEmbeddedBooks, spentPico } from "./ledger.ts";
import { billedPico, PROVIDER_KEY } from "./upstream.ts";

const booked = await startBooked(
  ({ env, anthropicEnv }) => ({
    ...env,
    ...anthropicEnv,
    GROQ_API_KEY: PROVIDER_KEY,
    GROQ_BASE_URL: env.OPENAI_BASE_URL,
    XAI_API_KEY: PROVIDER_KEY,
    XAI_BASE_URL: env.OPENAI_BASE_URL,
  }),
  `aliases:
  steady: { targets: [{ model: openai/sim-500 }, { model: anthropic/sim-echo }] }
`,
);
const { home, upstream, server, servedDuring } = booked;
after(() => booked[Symbol.asyncDispose]());
const gate = () => heard({ url: server.url, token: booked.newToken() });

const question = "Tell me about tolls.";
const schema = { type: "object" as const, properties: { query: { type: "string" as const } } };
const weather = { type: "function" as const, name: "weather", parameters: schema, strict: false };

for (const [provider, path] of [
  ["openai", "/responses"],
  ["xai", "/responses"],
  ["groq", "/chat/completions"],
  ["anthropic", "/v1/messages"],
] as const) {
  test(`a response by ${provider} is asked for at ${path}, and says and costs what a chat does`, async () => {
    const gates = [gate(), gate()];
    const calls = await servedDuring(async () => {
      const [one, other] = gates.map(openAiClient);
      const model = `${provider}/sim-cached-90`;
      const response = await one!.responses.create({ model, input: question });
      const messages = [{ role: "user" as const, content: question }];
      const chat = await other!.chat.completions.create({ model, messages });
      assert.equal(response.output_text, chat.choices[0]?.message.content);
      const { prompt_tokens, completion_tokens, prompt_tokens_details: details } = chat.usage!;
      const { input_tokens, output_tokens, input_tokens_details } = response.usage!;
      assert.deepEqual(
        [input_tokens, output_tokens, input_tokens_details.cached_tokens],
        [prompt_tokens, completion_tokens, details!.cached_tokens],
      );
    });
    assert.equal(calls[0]?.path, path);
    const [byResponses, byChat] = gates.map(({ responses }) => responses[0]!.headers);
    assert.equal(byResponses!.get("x-tollgate-provider"), provider);
    assert.equal(byResponses!.get("x-tollgate-cost-usd"), byChat!.get("x-tollgate-cost-usd"));
  });

  test(`OpenAI's client has a function called and answered by ${provider}, whole and streamed`, async () => {
    const { responses } = openAiClient(gate());
    const asked = { model: `${provider}/sim-tools`, tools: [weather] };
    for (const first of [
      await responses.create({ ...asked, input: question }),
      await responses.stream({ ...asked, input: question }).finalResponse(),
    ]) {
      const [call] = first.output;
      assert.ok(call?.type === "function_call");
      assert.deepEqual([call.name, JSON.parse(call.arguments)], ["weather", { query: question }]);
      const called = { type: call.type, call_id: call.call_id, name: call.name, arguments: call.arguments };
      const told = { type: "function_call_output" as const, call_id: call.call_id, output: "Sunny." };
      const input = [{ role: "user" as const, content: question }, called, told];
      assert.equal((await responses.create({ ...asked, input })).output_text, "Sunny.");
    }
  });

  test(`OpenAI's client parses what ${provider} answers in a schema`, async () => {
    const format = {
      type: "json_schema" as const,
      name: "toll",
      strict: true,
      schema: { ...schema, required: ["query"], additionalProperties: false },
    };
    const model = `${provider}/sim-echo`;
    const { output_text } = await openAiClient(gate()).responses.parse({
      model,
      input: question,
      text: { format },
    });
    assert.deepEqual(Object.keys(JSON.parse(output_text)), ["query"]);
  });

  test(`an answer of ${provider} that its limit cuts off is incomplete`, async () => {
    const { responses } = openAiClient(gate());
    const asked = { model: `${provider}/sim-words-200`, input: question, max_output_tokens: 20 };
    for (const response of [await responses.create(asked), await responses.stream(asked).finalResponse()]) {
      assert.equal(response.status, "incomplete");
      assert.equal(response.incomplete_details?.reason, "max_output_tokens");
      assert.equal(response.usage?.output_tokens, 20);
    }
  });

  test(`the AI SDK runs a loop of tools at ${provider}, told that nothing is stored`, async () => {
    const asked = generateText({
      model: createOpenAI({ baseURL: `${server.url}/v1`, apiKey: booked.newToken() }).responses(
        `${provider}/sim-tools`,
      ),
      prompt: question,
      tools: { weather: tool({ inputSchema: jsonSchema(schema), execute: async () => "Sunny." }) },
      providerOptions: { openai: { store: false } },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
    });
    const { steps, text } = await asked;
    assert.deepEqual([steps.length, text.includes("Sunny.")], [2, true]);
  });
}

for (const provider of ["groq", "anthropic"]) {
  test(`a stream that breaks at ${provider} ends as failed, and is never complete`, async () => {
    for (const name of ["sim-cut-40of60", "sim-error-midstream"]) {
      const response = await fetch(`${server.url}/v1/responses`, {
        method: "POST",
        headers: { authorization: `Bearer ${booked.newToken()}`, "content-type": "application/json" },
        body: JSON.stringify({ model: `${provider}/${name}`, input: question, stream: true }),
      });
      const text = await response.text();
      const types = [...text.matchAll(/^event: (.*)$/gm)].map(([, type]) => type);
      assert.deepEqual(
        [types[0], types.at(-2), types.at(-1)],
        ["response.created", "error", "response.failed"],
      );
      assert.ok(!types.includes("response.completed"));
    }
  });

  test(`what ${provider} cannot be told is refused at its path, or named as dropped`, async () => {
    const hearing = gate();
    const { responses } = openAiClient(hearing);
    const model = `${provider}/sim-echo`;
    for (const [fields, param] of [
      [{ previous_response_id: "resp_1" }, "previous_response_id"],
      [{ conversation: "conv_1" }, "conversation"],
      [{ tools: [{ type: "web_search" as const }] }, "tools[0]"],
    ] as const) {
      const asked = responses.create({ model, input: question, ...(fields as object) });
      await assert.rejects(asked, (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.deepEqual([error.code, error.param], ["VALIDATION_FAILED", param]);
        return true;
      });
    }
    await responses.create({ model, input: question, store: true, prompt_cache_key: "k" });
    const dropped = hearing.responses.at(-1)!.headers.get("x-tollgate-dropped-params");
    assert.equal(dropped, "store, prompt_cache_key");
  });
}

test("an alias leads from a provider that speaks responses to one that does not", async () => {
  for (const stream of [false, true]) {
    const hearing = gate();
    const { responses } = openAiClient(hearing);
    const asked = { model: "steady", input: question };
    const response = stream ? await responses.stream(asked).finalResponse() : await responses.create(asked);
    assert.equal(response.output_text, question);
    assert.equal(hearing.responses[0]!.headers.get("x-tollgate-provider"), "anthropic");
  }
});

test("what was answered elsewhere can be asked about at OpenAI, without the thoughts sealed there", async () => {
  const { responses } = openAiClient(gate());
  const user = { role: "user" as const, content: question };
  const { output } = await responses.create({ model: "anthropic/sim-reasoning", input: [user] });
  assert.equal(output[0]?.type, "reasoning");
  const hearing = gate();
  const input = [user, ...(output as OpenAI.Responses.ResponseInputItem[]), user];
  await openAiClient(hearing).responses.create({ model: "openai/sim-echo", input });
  const dropped = hearing.responses[0]!.headers.get("x-tollgate-dropped-params");
  assert.equal(dropped, "input.reasoning");
});

test("the books say what the upstream billed", async () => {
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  const whole = upstream.calls.filter(({ model, status }) => status === 200 && !/cut|midstream/.test(model));
  const settled = ledger.filter(({ model }) => !/cut|midstream/.test(model));
  assert.equal(spentPico(settled), billedPico(whole));
});
