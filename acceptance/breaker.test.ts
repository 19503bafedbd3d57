import assert from "node:assert/strict";
import { after, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { until } from "../gateway/src/lib/until.testing.ts";
import { anthropicClient, heard, openAiClient } from "./clients.ts";
import { startTollgate } from "./server.ts";
import { startUpstream } from "./upstream.ts";

/** Every test has a provider of its own to break. */
const names = ["first", "second", "third"];
const upstream = await startUpstream();
const server = await startTollgate({
  env: {
    ...upstream.env,
    BREAKER_FAILURE_THRESHOLD: "5",
    BREAKER_OPEN_SECONDS: "2",
    APP_AUTH_TOKEN_USER_MAP: "token-of-ann:usr_ann",
    OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
    IP_RATE_LIMIT_PER_MINUTE: "",
  },
  config: `providers:
${names.map((name) => `  ${name}: { dialect: openai, base_url: "${upstream.env.OPENAI_BASE_URL}" }\n`).join("")}
aliases:
  safe: { targets: [{ model: second/sim-500 }, { model: openai/sim-echo }] }
`,
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const gate = () => heard({ url: server.url, token: "token-of-ann" });
const messages = [{ role: "user" as const, content: "Hello" }];
const THRESHOLD = 5;

function chat(model: string, hearing = gate()) {
  return openAiClient(hearing).chat.completions.create({ model, messages });
}

async function failOften(model: string): Promise<void> {
  for (let failure = 1; failure <= THRESHOLD; failure++) {
    await assert.rejects(chat(model), (error) => error instanceof OpenAI.APIError && error.status === 502);
  }
}

test("five failures in a row open the breaker: each client is told when to come back, and the provider is left alone", async () => {
  await failOften("first/sim-500-n5");
  const before = upstream.calls.length;
  await assert.rejects(chat("first/sim-echo"), (error) => {
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.deepEqual([error.status, error.code], [503, "PROVIDER_UNAVAILABLE"]);
    assertToldWhen(error.headers);
    return true;
  });
  const asked = { model: "first/sim-echo", messages, max_tokens: 9 };
  await assert.rejects(anthropicClient(gate()).messages.create(asked), (error) => {
    assert.ok(error instanceof Anthropic.InternalServerError);
    assert.deepEqual([error.status, error.type], [503, "overloaded_error"]);
    assert.equal((error.error as { error: { code: string } }).error.code, "PROVIDER_UNAVAILABLE");
    assert.equal(error.requestID, error.headers.get("x-correlation-id"));
    assertToldWhen(error.headers);
    return true;
  });
  const responses = openAiClient(gate()).responses.create({ model: "first/sim-echo", input: "Hello" });
  await assert.rejects(responses, (error) => error instanceof OpenAI.APIError && error.status === 503);
  assert.equal(upstream.calls.length, before);
});

test("one call tries whether it is back, and heals it for all", async () => {
  const before = upstream.calls.length;
  const answers = () =>
    chat("first/sim-500-n5").then(({ choices }) => choices[0]?.message.content === "Hello");
  await until(() => answers().catch(() => false), { limitMs: 10_000 });
  assert.equal(upstream.calls.length, before + 1);
  await Promise.all(Array.from({ length: 5 }, () => chat("first/sim-echo")));
  assert.equal(upstream.calls.length, before + 6);
});

test("while a breaker is open an alias goes on with its next target, and nobody waits", async () => {
  await failOften("second/sim-500");
  const before = upstream.calls.length;
  const hearing = gate();
  assert.equal((await chat("safe", hearing)).choices[0]?.message.content, "Hello");
  const [{ headers } = new Response()] = hearing.responses;
  assert.equal(headers.get("x-tollgate-provider"), "openai");
  assert.equal(headers.get("x-tollgate-attempts"), null);
  assert.equal(upstream.calls.length, before + 1);
});

test("refusals of the caller's own making open nothing", async () => {
  for (const model of ["third/sim-400", "third/sim-404", "third/sim-429-3s"]) {
    for (let time = 0; time < 3; time++) await assert.rejects(chat(model));
  }
  assert.equal((await chat("third/sim-echo")).choices[0]?.message.content, "Hello");
});

function assertToldWhen(headers: Headers): void {
  assert.match(headers.get("retry-after")!, /^[12]$/);
  assert.equal(headers.get("x-should-retry"), "true");
}
