import assert from "node:assert/strict";
import { after, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { APICallError, generateText } from "ai";
import OpenAI from "openai";
import { until } from "../gateway/src/lib/until.testing.ts";
import { keyWithBudget, startBooked } from "./booked.ts";
import { caller } from "./caller.ts";
import { aiSdkModels } from "./clients.ai-sdk.ts";
import { anthropicClient, heard, openAiClient, raised, upstreams } from "./clients.ts";

const booked = await startBooked((upstream) => ({ ...upstream.env, ...upstream.anthropicEnv }));
const { upstream, server, newToken } = booked;
after(() => booked[Symbol.asyncDispose]());

const content = "Tell me about tolls.";
const messages = [{ role: "user" as const, content }];
const gateOf = (token: string) => heard({ url: server.url, token });
const newGate = () => gateOf(newToken());

const told = [
  {
    model: "sim-429-3s",
    openai: OpenAI.RateLimitError,
    anthropic: Anthropic.RateLimitError,
    status: 429,
    code: "PROVIDER_RATE_LIMITED",
    type: "rate_limit_error",
  },
  {
    model: "sim-500",
    openai: OpenAI.InternalServerError,
    anthropic: Anthropic.InternalServerError,
    status: 502,
    code: "PROVIDER_FAILED",
    type: "api_error",
  },
  {
    model: "sim-529",
    openai: OpenAI.InternalServerError,
    anthropic: Anthropic.InternalServerError,
    status: 502,
    code: "PROVIDER_FAILED",
    type: "api_error",
  },
  {
    model: "sim-401",
    openai: OpenAI.InternalServerError,
    anthropic: Anthropic.InternalServerError,
    status: 502,
    code: "PROVIDER_FAILED",
    type: "api_error",
  },
  {
    model: "sim-400",
    openai: OpenAI.BadRequestError,
    anthropic: Anthropic.BadRequestError,
    status: 400,
    code: "PROVIDER_REJECTED",
    type: "invalid_request_error",
  },
  {
    model: "sim-404",
    openai: OpenAI.NotFoundError,
    anthropic: Anthropic.NotFoundError,
    status: 404,
    code: "PROVIDER_REJECTED",
    type: "not_found_error",
  },
] as const;

for (const { model: name, openai, anthropic, status, code, type } of told) {
  test(`${name} is raised as each client's own error for ${status}, and costs nothing`, async () => {
    for (const provider of upstreams) {
      const model = `${provider}/${name}`;
      for (const stream of [false, true]) {
        const gate = newGate();
        const byOpenAi = await raised(
          openAiClient(gate).chat.completions.create({ model, messages, stream }),
          openai,
        );
        assert.deepEqual([byOpenAi.status, byOpenAi.code], [status, code]);
        const asked = { model, messages, max_tokens: 9, stream };
        const byAnthropic = await raised(anthropicClient(gate).messages.create(asked), anthropic);
        assert.deepEqual([byAnthropic.status, byAnthropic.type], [status, type]);
        assert.equal(codeOf(byAnthropic), code);
        for (const { requestID } of [byOpenAi, byAnthropic]) assert.match(requestID!, /^req_/);
        for (const { headers } of [byOpenAi, byAnthropic]) {
          if (name === "sim-429-3s") assert.equal(headers.get("retry-after"), "3");
        }
        const http = caller(gate.url, gate.token);
        await until(async () => (await http.costs()).calls === 2);
        assert.equal(Number((await http.costs()).estimated_cost_usd), 0);
      }
    }
  });
}

for (const name of ["sim-cut-40of60", "sim-error-midstream", "sim-badjson", "sim-html-200", "sim-empty"]) {
  test(`${name} is a failure to every client, whole or streamed, from every provider`, async () => {
    for (const provider of upstreams) {
      const model = `${provider}/${name}`;
      const openai = openAiClient(newGate());
      const anthropic = anthropicClient(newGate());
      const asked = { model, messages, max_tokens: 100 };
      await raised(openai.chat.completions.create({ model, messages }), OpenAI.InternalServerError);
      await raised(anthropic.messages.create(asked), Anthropic.InternalServerError);
      await assert.rejects(openai.chat.completions.stream({ model, messages }).finalChatCompletion());
      await assert.rejects(anthropic.messages.stream(asked).finalMessage());
      await raised(openai.responses.create({ model, input: content }), OpenAI.InternalServerError);
      await assert.rejects(async () => {
        const stream = await openai.responses.create({ model, input: content, stream: true });
        let last = "";
        for await (const { type } of stream) last = type;
        assert.equal(last, "response.completed");
      });
    }
  });
}

test("what Tollgate refuses by itself is raised as each client's own error", async () => {
  const { key: scopeless } = await server.ask<{ key: string }>(
    ...(["keys", "issue", "--name", "test", "--scopes", "costs:read"] as const),
  );
  const { key: poor } = await keyWithBudget(server, "0.0001");
  const before = upstream.calls.length;
  for (const [token, model, status, type, code] of [
    ["nobody", "anthropic/sim-echo", 401, "authentication_error", "AUTH_INVALID"],
    [scopeless, "anthropic/sim-echo", 403, "permission_error", "SCOPE_MISSING"],
    [poor, "anthropic/sim-echo", 402, "billing_error", "BUDGET_EXCEEDED"],
    [newToken(), "xai/grok", 404, "not_found_error", "MODEL_NOT_FOUND"],
  ] as const) {
    for (const credential of ["bearer", "x-api-key"] as const) {
      const asked = { model, messages, max_tokens: 9 };
      const { messages: api } = anthropicClient(gateOf(token), credential);
      const error = await raised(api.create(asked), Anthropic.APIError);
      assert.deepEqual([error.status, error.type, codeOf(error)], [status, type, code]);
      assert.equal(error.requestID, error.headers?.get("x-correlation-id"));
    }
    const { chat } = openAiClient(gateOf(token));
    const error = await raised(chat.completions.create({ model, messages }), OpenAI.APIError);
    assert.deepEqual([error.status, error.code], [status, code]);
  }
  assert.equal(upstream.calls.length, before);
});

test("the AI SDK reads our code and whether it may try again from every error", async () => {
  for (const modelAt of Object.values(aiSdkModels)) {
    for (const [name, code, isRetryable] of [
      ["openai/sim-400", "PROVIDER_REJECTED", false],
      ["openai/sim-529", "PROVIDER_FAILED", true],
    ] as const) {
      const asked = { model: modelAt(newGate(), name), prompt: content, maxRetries: 0, maxOutputTokens: 9 };
      const error = await raised(generateText(asked), APICallError);
      assert.equal(JSON.parse(error.responseBody!).error.code, code);
      assert.equal(error.isRetryable, isRetryable);
    }
  }
});

test("a request that a provider's format has no words for is refused by name, and asks nobody", async () => {
  const before = upstream.calls.length;
  const openai = openAiClient(newGate());
  const embedded = openai.embeddings.create({ model: "anthropic/sim-echo", input: content });
  const error = await raised(embedded, OpenAI.BadRequestError);
  assert.deepEqual([error.code, error.param], ["VALIDATION_FAILED", "model"]);
  const audio = { modalities: ["audio" as const], model: "anthropic/sim-echo", messages };
  assert.equal(
    (await raised(openai.chat.completions.create(audio), OpenAI.BadRequestError)).param,
    "modalities",
  );
  assert.equal(upstream.calls.length, before);
});

function codeOf(error: InstanceType<typeof Anthropic.APIError>): unknown {
  return (error.error as { error?: { code?: string } }).error?.code;
}
