import assert from "node:assert/strict";
import { after, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { claudeCodeHeaders, claudeCodeTurn, codexHeaders, codexTurn } from "./agents.ts";
import { keyWithBudget, startBooked } from "./booked.ts";
import { anthropicClient, heard, openAiClient } from "./clients.ts";
import { readEmbeddedBooks, spentPico } from "./ledger.ts";
import { billedPico, PROVIDER_KEY } from "./upstream.ts";

const booked = await startBooked(
  (upstream) => ({
    ...upstream.env,
    ...upstream.anthropicEnv,
    GROQ_API_KEY: PROVIDER_KEY,
    GROQ_BASE_URL: upstream.env.OPENAI_BASE_URL,
  }),
  `aliases:
  codex-at-claude: anthropic/sim-tools
`,
);
const { home, upstream, server } = booked;
after(() => booked[Symbol.asyncDispose]());

const { key } = await keyWithBudget(server, "50");
const gate = () => heard({ url: server.url, token: key });
const files = "README.md\nsrc";

test("Codex works a task through: it has a command run and reads what came of it", async () => {
  const codex = openAiClient(gate());
  const ask = (earlier: readonly OpenAI.Responses.ResponseInputItem[] = []) =>
    last(codex.responses.create(codexTurn("openai/sim-tools", earlier), { headers: codexHeaders }));
  await workTaskThrough(ask);
});

type Ask = (earlier?: readonly OpenAI.Responses.ResponseInputItem[]) => Promise<OpenAI.Responses.Response>;

async function workTaskThrough(ask: Ask): Promise<void> {
  const [call] = (await ask()).output;
  assert.ok(call?.type === "function_call");
  assert.equal(call.name, "shell");
  const result = { type: "function_call_output" as const, call_id: call.call_id, output: files };
  const [message] = (await ask([call, result])).output;
  assert.ok(message?.type === "message" && message.content[0]?.type === "output_text");
  assert.equal(message.content[0].text, files);
}

test("what Codex's model reasoned comes back sealed, and goes back with the next turn", async () => {
  const codex = openAiClient(gate());
  const ask = (earlier: readonly OpenAI.Responses.ResponseInputItem[] = []) =>
    last(codex.responses.create(codexTurn("openai/sim-reasoning", earlier), { headers: codexHeaders }));
  const { output, usage } = await ask();
  const [reasoning] = output;
  assert.ok(reasoning?.type === "reasoning" && reasoning.encrypted_content);
  assert.equal(usage?.output_tokens_details.reasoning_tokens, 64);
  assert.equal((await ask(output as OpenAI.Responses.ResponseInputItem[])).status, "completed");
});

for (const model of ["anthropic/sim-tools", "groq/sim-tools", "codex-at-claude"]) {
  test(`Codex works a task through with ${model}, which does not speak its language`, async () => {
    const hearing = gate();
    const codex = openAiClient(hearing);
    const ask = (earlier: readonly OpenAI.Responses.ResponseInputItem[] = []) => {
      const turn = codexTurn(model, earlier);
      const tools = turn.tools!.filter(({ type }) => type !== "local_shell");
      return last(codex.responses.create({ ...turn, tools }, { headers: codexHeaders }));
    };
    await workTaskThrough(ask);
    const dropped = hearing.responses[1]!.headers.get("x-tollgate-dropped-params");
    assert.match(dropped!, /prompt_cache_key/);
  });
}

test("what Claude thought goes back to it sealed, as Codex keeps it", async () => {
  const codex = openAiClient(gate());
  const ask = (earlier: readonly OpenAI.Responses.ResponseInputItem[] = []) => {
    const { tools: _, ...turn } = codexTurn("anthropic/sim-reasoning", earlier);
    return last(codex.responses.create(turn, { headers: codexHeaders }));
  };
  const { output, usage } = await ask();
  const [reasoning] = output;
  assert.ok(reasoning?.type === "reasoning" && reasoning.encrypted_content);
  assert.ok(usage!.output_tokens > 64);
  assert.equal((await ask(output as OpenAI.Responses.ResponseInputItem[])).status, "completed");
});

test("a tool that only OpenAI's models know is refused by name where another is asked, and nobody is", async () => {
  const before = upstream.calls.length;
  const asked = openAiClient(gate()).responses.create(codexTurn("codex-at-claude"), {
    headers: codexHeaders,
  });
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.code, error.param], ["VALIDATION_FAILED", "tools[2]"]);
    return true;
  });
  assert.equal(upstream.calls.length, before);
});

for (const provider of ["anthropic", "openai"]) {
  test(`Claude Code works a task through with a model of ${provider}`, async () => {
    const hearing = gate();
    const claude = anthropicClient(hearing);
    const ask = (earlier: readonly Anthropic.Beta.BetaMessageParam[] = []) =>
      claude.beta.messages
        .stream(claudeCodeTurn(`${provider}/sim-tools`, earlier), { headers: claudeCodeHeaders })
        .finalMessage();
    const first = await ask();
    const use = first.content.at(-1);
    assert.ok(use?.type === "tool_use");
    assert.deepEqual([use.name, first.stop_reason], ["Bash", "tool_use"]);
    const result = { type: "tool_result" as const, tool_use_id: use.id, content: files };
    const second = await ask([
      { role: "assistant", content: first.content },
      { role: "user", content: [result] },
    ]);
    assert.deepEqual(
      second.content.map((block) => (block.type === "text" ? block.text : block.type)),
      [files],
    );
    const dropped = hearing.responses[0]!.headers.get("x-tollgate-dropped-params");
    if (provider === "anthropic") assert.equal(dropped, null);
    else assert.match(dropped!, /context_management/);
  });

  test(`Claude Code counts tokens before it asks a model of ${provider}, and pays nothing`, async () => {
    const hearing = gate();
    const { max_tokens: _, stream: __, metadata: ___, ...counted } = claudeCodeTurn(`${provider}/sim-echo`);
    const { input_tokens } = await anthropicClient(hearing).beta.messages.countTokens(counted, {
      headers: claudeCodeHeaders,
    });
    assert.ok(input_tokens > 0);
    const isEstimate = hearing.responses[0]!.headers.get("x-tollgate-estimated") === "true";
    assert.equal(isEstimate, provider === "openai");
  });
}

test("the version that a client speaks is the version that Anthropic is asked in", async () => {
  const { messages } = anthropicClient(gate());
  const body = {
    model: "anthropic/sim-echo",
    max_tokens: 9,
    messages: [{ role: "user" as const, content: "Hello" }],
    temperature: 0.5,
  };
  const ask = (version: string) => messages.create(body, { headers: { "anthropic-version": version } });
  assert.equal((await ask("2023-06-01")).stop_reason, "end_turn");
  await assert.rejects(ask("2026-10-21"), Anthropic.BadRequestError);
  const chat = { ...body, model: "anthropic/sim-echo" };
  const { choices } = await openAiClient(gate()).chat.completions.create(chat);
  assert.equal(choices[0]?.message.content, "Hello");
});

test("the project paid what the upstream billed", async () => {
  assert.equal(await server.stop(), 0);
  const { ledger, reservations } = await readEmbeddedBooks(home);
  assert.deepEqual(reservations, []);
  assert.equal(spentPico(ledger), billedPico(upstream.calls));
  const answered = upstream.calls.filter(({ path }) => !path.endsWith("count_tokens"));
  assert.equal(ledger.length, answered.length);
});

/** The response at the end of a stream. */
async function last(
  asked: PromiseLike<AsyncIterable<OpenAI.Responses.ResponseStreamEvent>>,
): Promise<OpenAI.Responses.Response> {
  for await (const event of await asked) if (event.type === "response.completed") return event.response;
  throw new Error("the stream ended before its response was complete");
}
