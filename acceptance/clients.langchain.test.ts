import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type AIMessageChunk, HumanMessage, ToolMessage, type UsageMetadata } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { z } from "zod";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { caller } from "./caller.ts";
import { type Heard, heard } from "./clients.ts";
import { newHome, startTollgate } from "./server.ts";
import { startUpstream } from "./upstream.ts";

const upstream = await startUpstream();
const home = await newHome();
const users = Array.from({ length: 40 }, (_, index) => `usr_${index}`);
const server = await startTollgate({
  home,
  env: {
    ...upstream.env,
    ...upstream.anthropicEnv,
    APP_AUTH_TOKEN_USER_MAP: users.map((id) => `token-of-${id}:${id}`).join(","),
    IP_RATE_LIMIT_PER_MINUTE: "",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const question = "Tell me about tolls, gates and the people at them.";
const gateOf = (token: string) => heard({ url: server.url, token });
const newGate = () => gateOf(`token-of-${users.pop()!}`);

function chatModel({ url, token, fetch }: Heard, model: string, maxRetries = 6): ChatOpenAI {
  const configuration = { baseURL: `${url}/v1`, fetch };
  return new ChatOpenAI({ model, apiKey: token, maxRetries, configuration });
}

async function newKey(...options: string[]): Promise<string> {
  return (await server.ask<{ key: string }>("keys", "issue", "--name", "test", ...options)).key;
}

/** What LangChain was told, the provider served and the ledger holds is one and the same. */
async function agree(gate: Heard, told: UsageMetadata | undefined, served: SimulatedCall): Promise<void> {
  assert.deepEqual(
    [told?.input_tokens, told?.input_token_details?.cache_read ?? 0, told?.output_tokens],
    [served.promptTokens, served.cachedTokens, served.outputTokens],
  );
  const { calls, estimated_share, ...booked } = await caller(gate.url, gate.token).costs();
  assert.deepEqual([calls, estimated_share], [1, 0]);
  assert.deepEqual(
    [booked.input_tokens, booked.cached_input_tokens, booked.output_tokens],
    [served.promptTokens, served.cachedTokens, served.outputTokens],
  );
}

for (const provider of ["openai", "anthropic"]) {
  test(`LangChain invokes a model of ${provider}, and is told the usage that is on the ledger`, async () => {
    const gate = newGate();
    const answer = await chatModel(gate, `${provider}/sim-cached-90`).invoke(question);
    assert.equal(answer.text, question);
    await agree(gate, answer.usage_metadata, upstream.calls.at(-1)!);
  });

  test(`LangChain streams from ${provider}, and is told the usage that is on the ledger`, async () => {
    const gate = newGate();
    const stream = await chatModel(gate, `${provider}/sim-words-20`).stream(question);
    let chunks = 0;
    let whole: AIMessageChunk | undefined;
    for await (const chunk of stream) {
      chunks += 1;
      whole = whole?.concat(chunk) ?? chunk;
    }
    assert.ok(chunks > 10);
    assert.equal(whole!.text.trim().split(/\s+/).length, 20);
    await agree(gate, whole!.usage_metadata, upstream.calls.at(-1)!);
  });

  test(`LangChain has a tool called by ${provider}, and its result answered`, async () => {
    const asked: string[] = [];
    const weather = tool(
      async ({ query }) => {
        asked.push(query);
        return "Sunny, 21 degrees.";
      },
      { name: "weather", description: "The weather.", schema: z.object({ query: z.string() }) },
    );
    const model = chatModel(newGate(), `${provider}/sim-tools`).bindTools([weather]);
    const first = await model.invoke("Vienna");
    const [call] = first.tool_calls!;
    const result = await weather.invoke({ ...call!, type: "tool_call" });
    assert.ok(result instanceof ToolMessage);
    const second = await model.invoke([new HumanMessage("Vienna"), first, result]);
    assert.deepEqual([asked, second.text], [["Vienna"], "Sunny, 21 degrees."]);
  });

  test(`LangChain gets structured output from ${provider}`, async () => {
    const schema = z.object({ title: z.string() });
    const model = chatModel(newGate(), `${provider}/sim-echo`).withStructuredOutput(schema);
    assert.deepEqual(await model.invoke("Tolls"), { title: "Tolls" });
  });
}

test("LangChain embeds documents", async () => {
  const { url, token, fetch } = newGate();
  const embeddings = new OpenAIEmbeddings({
    model: "openai/sim-echo",
    dimensions: 16,
    apiKey: token,
    configuration: { baseURL: `${url}/v1`, fetch },
  });
  const vectors = await embeddings.embedDocuments([question, "Hello"]);
  assert.deepEqual(
    vectors.map(({ length }) => length),
    [16, 16],
  );
});

test("LangChain raises what Tollgate refuses with its code, and asks once", async () => {
  const project = await server.ask<{ id: number }>("projects", "create", "--name", "p", "--budget", "0.0001");
  const poor = await newKey("--project", String(project.id));
  const used = await newKey("--daily-quota", "1");
  await chatModel(gateOf(used), "openai/sim-echo").invoke(question);
  for (const [token, status, code] of [
    ["nobody", 401, "AUTH_INVALID"],
    [poor, 402, "BUDGET_EXCEEDED"],
    [await newKey("--scopes", "costs:read"), 403, "SCOPE_MISSING"],
    [used, 429, "QUOTA_EXCEEDED"],
  ] as const) {
    const gate = gateOf(token);
    const before = upstream.calls.length;
    const error = await raised(chatModel(gate, "openai/sim-words-200").invoke(question));
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.deepEqual(
      gate.responses.map((response) => response.status),
      [status],
      code,
    );
    assert.equal(upstream.calls.length, before);
  }
});

test("LangChain asks again where that may help, as often as it was told", async () => {
  const gate = newGate();
  const error = await raised(chatModel(gate, "openai/sim-429-1s", 1).invoke(question));
  assert.deepEqual([error.status, error.code], [429, "PROVIDER_RATE_LIMITED"]);
  assert.equal(gate.responses.length, 2);
});

type Raised = Error & { readonly status?: number; readonly code?: string };

async function raised(work: Promise<unknown>): Promise<Raised> {
  try {
    await work;
  } catch (error) {
    return error as Raised;
  }
  throw new assert.AssertionError({ message: "expected an error" });
}
