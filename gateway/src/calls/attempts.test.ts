import assert from "node:assert/strict";
import { test } from "node:test";
import { ratesFrom } from "../costs/rates.ts";
import type { More } from "../costs/top-up.ts";
import { googleGenerate } from "../providers/google.generate.ts";
import { chatFormat, type Format, messagesFormat, responsesFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import {
  callTo,
  DONE,
  EVENT_STREAM,
  lastEvent,
  passing,
  running,
  scriptedProvider,
  targetAt,
  testRates,
  textEvent,
  turn,
  usageEvent,
} from "./testing.ts";
import { translation } from "./translation.ts";

const JSON_TYPE = { "content-type": "application/json" };
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const answer = JSON.stringify({
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" } }],
  usage,
});
const errorEvent = (error: Record<string, unknown>) => `data: ${JSON.stringify({ error })}\n\n`;
const failure = JSON.stringify({ error: { message: "no", type: "x" } });

type Scripted = Pick<ReturnType<typeof scriptedProvider>, "head" | "chunk" | "end">;

function says(upstream: Scripted, status: number, headers: Record<string, string> = {}): Promise<void> {
  upstream.head(status, { ...JSON_TYPE, ...headers });
  upstream.chunk(status < 300 ? answer : failure);
  upstream.end();
  return turn().then(turn);
}

test("a provider that fails before its first byte is replaced by the next, and only the answer is paid", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ others: [targetAt(spare.provider, "llama")] });
  await says(call, 500);
  await says(spare, 200);
  await call.done;
  assert.equal(call.reader.text, answer);
  assert.equal(call.reader.headers["x-tollgate-provider"], "groq");
  assert.equal(call.reader.headers["x-tollgate-attempts"], "2");
  const [settlement, ...more] = call.settlements;
  assert.deepEqual(more, []);
  const { provider, model, price, costPico, lines, outcome } = settlement!;
  assert.deepEqual(
    [provider, model, price.id, outcome, lines],
    ["groq", "llama", "groq/llama", "completed", []],
  );
  assert.equal(costPico, 10n * testRates.input + 5n * testRates.output);
  assert.equal(spare.askedBody().model, "llama");
});

test("the caller's own mistake is answered at once, and nobody else is asked", async () => {
  for (const status of [400, 404, 413, 422]) {
    const spare = scriptedProvider({ name: "groq" });
    const call = await running({ others: [targetAt(spare.provider)], retries: 2 });
    await says(call, status);
    await assert.rejects(call.done, { code: "PROVIDER_REJECTED", status });
    assert.equal(spare.wasAsked(), false);
  }
});

test("after the first byte nobody else is asked", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ body: { stream: true }, others: [targetAt(spare.provider)], retries: 2 });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hello"));
  call.fail("cut");
  await call.done;
  assert.equal(spare.wasAsked(), false);
  assert.ok(call.reader.text.includes("PROVIDER_FAILED"));
});

test("a stream that says nothing at all leads to the next provider", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ body: { stream: true }, others: [targetAt(spare.provider)] });
  call.head(200, EVENT_STREAM);
  call.end();
  await turn();
  await turn();
  spare.head(200, EVENT_STREAM);
  spare.chunk(textEvent("Hi") + lastEvent + usageEvent(10, 5) + DONE);
  spare.end();
  await call.done;
  assert.equal(call.reader.text, textEvent("Hi") + lastEvent + DONE);
  assert.equal(call.reader.headers["x-tollgate-provider"], "groq");
});

test("a failure that may pass is tried again as often as the alias says, then the next provider is asked", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ others: [targetAt(spare.provider)], retries: 2 });
  for (let count = 0; count < 3; count++) {
    assert.equal(spare.wasAsked(), false);
    await says(call, 503);
    call.clock.advance(2_000);
    await turn();
  }
  await turn();
  await says(spare, 200);
  await call.done;
  assert.equal(call.reader.headers["x-tollgate-attempts"], "4");
});

test("the last failure is told when all have failed, and nothing is charged", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ others: [targetAt(spare.provider)] });
  await says(call, 500);
  await says(spare, 429, { "retry-after": "7" });
  await assert.rejects(call.done, { code: "PROVIDER_RATE_LIMITED" });
  assert.equal(call.settlements[0]!.costPico, 0n);
});

test("what a provider may have done before its time was up is charged as held, beside the answer", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({ others: [targetAt(spare.provider, "llama")] });
  call.fail("timeout");
  await turn();
  await says(spare, 200);
  await call.done;
  const { lines, costPico, usageSource } = call.settlements[0]!;
  const heldPico = call.reserved[0]!.wantPico;
  const answerPico = 10n * testRates.input + 5n * testRates.output;
  assert.deepEqual(
    lines.map(({ kind, provider, costPico: pico }) => [kind, provider, pico]),
    [
      ["attempt", "openai", heldPico],
      ["answer", "groq", answerPico],
    ],
  );
  assert.deepEqual([costPico, usageSource], [heldPico + answerPico, "estimated"]);
});

test("a target's own time is up before the provider's", async () => {
  const slow = scriptedProvider({ name: "groq" });
  const spare = scriptedProvider({ name: "xai" });
  const targets = [{ ...targetAt(slow.provider), timeoutMs: 1_000 }, targetAt(spare.provider)];
  const call = await running({ others: targets });
  await says(call, 500);
  call.clock.advance(999);
  await turn();
  assert.equal(spare.wasAsked(), false);
  call.clock.advance(1);
  await turn();
  await says(spare, 200);
  await call.done;
  assert.deepEqual(slow.flow, ["abort"]);
});

test("a dearer provider is asked only after the budget has held its price on top", async () => {
  const rates = ratesFrom({ input: "100", output: "300" });
  for (const holds of [true, false]) {
    const asked: More[] = [];
    const dear = scriptedProvider({ name: "groq" });
    const target = targetAt(dear.provider);
    const call = await running({
      body: { max_tokens: 16 },
      budgetIds: [1],
      others: [{ ...target, price: { ...target.price, rates } }],
      async topUp(_reserved, more) {
        asked.push(more);
        return holds ? more.wantPico : undefined;
      },
    });
    await says(call, 500);
    assert.equal(asked.length, 1);
    assert.equal(asked[0]!.wantPico, 9n * call.reserved[0]!.wantPico, "ten times the price");
    assert.equal(dear.wasAsked(), holds);
    if (holds) await says(dear, 200);
    const ended = call.done;
    if (holds) assert.equal((await ended).reservedPico, 10n * call.reserved[0]!.wantPico);
    else await assert.rejects(ended, { code: "PROVIDER_FAILED" });
  }
});

test("an open breaker is passed over; where all are open nothing is reserved and the earliest time is told", async () => {
  const refused = (resetAtMs: number) =>
    ({ kind: "refused", state: "open", retryAfterMs: resetAtMs, resetAtMs }) as const;
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({
    others: [targetAt(spare.provider)],
    admit: async (name) => (name === "groq" ? passing() : refused(9_000)),
  });
  await says(spare, 200);
  await call.done;
  assert.equal(call.wasAsked(), false);

  const closed = await running({
    others: [targetAt(spare.provider)],
    admit: async (name) => refused(name === "groq" ? 4_000 : 9_000),
  });
  const details = { retryAfterMs: 4_000, resetAtMs: 4_000 };
  await assert.rejects(closed.done, { code: "PROVIDER_UNAVAILABLE", details });
  assert.deepEqual([closed.reserved, closed.settlements], [[], []]);
});

test("every call tells its breaker once how the provider did, and a refused one that nobody was asked", async () => {
  for (const [how, outcome] of [
    ["whole", "ok"],
    ["failed", "failure"],
    ["mistaken", "alive"],
    ["limited", "alive"],
    ["left", "neutral"],
    ["over budget", "neutral"],
  ] as const) {
    const told: string[] = [];
    const call = await running({
      admit: async () => passing((outcome) => told.push(outcome)),
      ...(how === "over budget"
        ? { budgetIds: [1], reserve: async () => ({ granted: false, budgetId: 1, unspentPico: 0n }) as const }
        : {}),
    });
    if (how === "left") call.reader.leave();
    const status = { whole: 200, failed: 500, mistaken: 400, limited: 429 }[how as "whole"];
    if (status !== undefined) await says(call, status);
    await call.done.catch(() => undefined);
    assert.deepEqual(told, [outcome], how);
  }
});

test("a probe has found out with the first byte of its answer", async () => {
  const told: string[] = [];
  const call = await running({
    body: { stream: true },
    admit: async () => passing((outcome) => told.push(outcome), true),
  });
  call.head(200, EVENT_STREAM);
  assert.deepEqual(told, ["ok"]);
  call.chunk(textEvent("Hi") + lastEvent + usageEvent(10, 5) + DONE);
  call.end();
  await call.done;
});

test("a model that speaks another format answers in the client's own, streamed and priced by what it reported", async () => {
  const claude = scriptedProvider({ name: "anthropic", speaks: ["anthropic-messages"] });
  const body = { stream: true, max_tokens: 64 };
  const { request } = callTo(claude.provider, body);
  const translated = translation(request, "claude");
  const target = { ...targetAt(claude.provider, "claude", messagesFormat), translation: translated };
  const call = await running({ body, others: [target] });
  await says(call, 500);
  assert.deepEqual([claude.askedBody().model, claude.askedBody().max_tokens], ["claude", 64]);
  const event = (fields: Record<string, unknown>) =>
    `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n`;
  claude.head(200, EVENT_STREAM);
  const usageAtStart = { input_tokens: 10, output_tokens: 1, cache_read_input_tokens: 4 };
  claude.chunk(
    event({ type: "message_start", message: { id: "m", role: "assistant", usage: usageAtStart } }),
  );
  claude.chunk(event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }));
  claude.chunk(
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } }),
  );
  claude.chunk(event({ type: "content_block_stop", index: 0 }));
  const delta = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 7 } };
  claude.chunk(event(delta) + event({ type: "message_stop" }));
  claude.end();
  await call.done;
  assert.ok(call.reader.text.includes('"content":"Hello"'), call.reader.text);
  assert.ok(call.reader.text.endsWith(DONE));
  const { usage: read, costPico } = call.settlements[0]!;
  assert.deepEqual([read?.input, read?.cacheRead, read?.output], [14, 4, 7]);
  assert.equal(costPico, 10n * testRates.input + 4n * testRates.cachedInput + 7n * testRates.output);
});

test("a fault of the house between two providers leaves no reservation behind", async () => {
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({
    others: [targetAt(spare.provider)],
    async admit(name) {
      if (name === "groq") throw new Error("the house fell down");
      return passing();
    },
  });
  await says(call, 500);
  await assert.rejects(call.done, { code: "INTERNAL" });
  const { usageSource, costPico } = call.settlements[0]!;
  assert.deepEqual([usageSource, costPico], ["estimated", call.reserved[0]!.wantPico]);
});

test("usage that comes beside an error is charged", async () => {
  const call = await running();
  call.head(200, JSON_TYPE);
  call.chunk(JSON.stringify({ error: { message: "no", code: "server_error" }, usage }));
  call.end();
  await assert.rejects(call.done, { code: "PROVIDER_FAILED" });
  assert.equal(call.settlements[0]!.costPico, 10n * testRates.input + 5n * testRates.output);
});

test("a blocked prompt is an answer, and no failure of its provider", async () => {
  const told: string[] = [];
  const spare = scriptedProvider({ name: "groq" });
  const call = await running({
    others: [targetAt(spare.provider)],
    admit: async () => passing((outcome) => told.push(outcome)),
  });
  const blocked = JSON.stringify({
    choices: [{ index: 0, message: null, finish_reason: "content_filter" }],
    usage,
  });
  call.head(200, JSON_TYPE);
  call.chunk(blocked);
  call.end();
  await call.done;
  assert.deepEqual([call.reader.text, told, spare.wasAsked()], [blocked, ["ok"], false]);
});

test("a caller's own mistake inside a stream is no failure of the provider", async () => {
  const told: string[] = [];
  const call = await running({
    body: { stream: true },
    admit: async () => passing((outcome) => told.push(outcome)),
  });
  call.head(200, EVENT_STREAM);
  call.chunk(textEvent("Hello"));
  call.chunk(errorEvent({ message: "too long", code: "context_length_exceeded" }));
  call.end();
  await call.done;
  assert.deepEqual(told, ["alive"]);
});

/** Streams that fail before they say anything: each line comes by itself. */
const failingStreams: readonly { format: Format; lines: readonly Record<string, unknown>[] }[] = [
  { format: chatFormat, lines: [{ error: { message: "no", type: "server_error" } }] },
  {
    format: messagesFormat,
    lines: [{ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }],
  },
  {
    format: messagesFormat,
    lines: [
      { type: "message_start", message: { id: "msg_1", usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    ],
  },
  { format: responsesFormat, lines: [{ type: "error", code: "server_error", message: "no" }] },
  {
    format: responsesFormat,
    lines: [
      { type: "response.created", response: { id: "resp_1", status: "in_progress", error: null } },
      { type: "response.in_progress", response: { id: "resp_1", status: "in_progress", error: null } },
      { type: "response.failed", response: { id: "resp_1", error: { code: "server_error", message: "no" } } },
    ],
  },
  {
    format: { ...chatFormat, wire: googleGenerate },
    lines: [{ error: { code: 503, message: "no", status: "UNAVAILABLE" } }],
  },
];

for (const { format, lines } of failingStreams) {
  const names = lines.map(({ type }) => type ?? "error").join(", ");
  test(`a stream of ${format.wire.name} that fails before it says anything leads to the next provider: ${names}`, async () => {
    const failing = scriptedProvider({ name: "failing" });
    const spare = scriptedProvider({ name: "groq" });
    const told: string[] = [];
    const call = await running({
      body: { stream: true },
      others: [targetAt(failing.provider, "m", format), targetAt(spare.provider)],
      admit: async () => passing((outcome) => told.push(outcome)),
    });
    await says(call, 500);
    failing.head(200, EVENT_STREAM);
    for (const line of lines) failing.chunk(`event: ${line.type}\ndata: ${JSON.stringify(line)}\n\n`);
    await turn();
    await turn();
    assert.deepEqual(failing.flow, ["abort"]);
    spare.head(200, EVENT_STREAM);
    spare.chunk(textEvent("Hi") + lastEvent + usageEvent(10, 5) + DONE);
    spare.end();
    await call.done;
    assert.equal(call.reader.text, textEvent("Hi") + lastEvent + DONE);
    assert.equal(call.reader.headers["x-tollgate-provider"], "groq");
    assert.deepEqual(told, ["failure", "failure", "ok"]);
  });
}

test("a provider that sends nothing but comments and then an error, or no more, leads to the next", async () => {
  for (const breaks of [false, true]) {
    const failing = scriptedProvider({ name: "failing" });
    const spare = scriptedProvider({ name: "groq" });
    const call = await running({
      body: { stream: true },
      others: [failing, spare].map(({ provider }) => targetAt(provider)),
    });
    await says(call, 500);
    failing.head(200, EVENT_STREAM);
    failing.chunk(": OPENROUTER PROCESSING\n\n");
    failing.chunk(": OPENROUTER PROCESSING\n\n");
    await turn();
    if (breaks) failing.fail("cut");
    else failing.chunk(errorEvent({ message: "no" }));
    await turn();
    await turn();
    spare.head(200, EVENT_STREAM);
    spare.chunk(textEvent("Hi") + lastEvent + usageEvent(10, 5) + DONE);
    spare.end();
    await call.done;
    assert.equal(call.reader.text, textEvent("Hi") + lastEvent + DONE);
  }
});

test("what a provider refuses in the first event of a stream is refused as if it had answered so", async () => {
  const refusals = [
    [{ message: "too long", code: "context_length_exceeded" }, "PROVIDER_REJECTED", 400, "alive"],
    [{ message: "slow down", code: "rate_limit_exceeded" }, "PROVIDER_RATE_LIMITED", 429, "alive"],
    [{ message: "no money", code: "insufficient_quota" }, "PROVIDER_RATE_LIMITED", 429, "alive"],
    [{ message: "no" }, "PROVIDER_FAILED", 502, "failure"],
  ] as const;
  for (const [error, code, status, verdict] of refusals) {
    const told: string[] = [];
    const call = await running({
      body: { stream: true },
      admit: async () => passing((outcome) => told.push(outcome)),
    });
    call.head(200, EVENT_STREAM);
    call.chunk(errorEvent(error));
    await assert.rejects(call.done, { code, status });
    assert.deepEqual([told, call.reader.text, call.settlements[0]!.costPico], [[verdict], "", 0n]);
  }
});

test("what opens an answer reaches its reader with what follows it, byte for byte", async () => {
  const other = scriptedProvider({ name: "anthropic" });
  const start = { type: "message_start", message: { usage: { input_tokens: 10, output_tokens: 1 } } };
  const opening = `event: message_start\ndata: ${JSON.stringify(start)}\n\n`;
  const call = await running({
    body: { stream: true },
    others: [targetAt(other.provider, "m", messagesFormat)],
  });
  await says(call, 500);
  other.head(200, EVENT_STREAM);
  other.chunk(opening);
  assert.equal(call.reader.text, "");
  const ping = `event: ping\ndata: {"type":"ping"}\n\n`;
  other.chunk(ping);
  assert.equal(call.reader.text, opening + ping);
  const end = `event: message_stop\ndata: {"type":"message_stop"}\n\n`;
  other.chunk(end);
  other.end();
  await call.done;
  assert.equal(call.reader.text, opening + ping + end);
});

test("a translated stream whose provider never said how it ended is cut, not whole", async () => {
  const other = scriptedProvider({ name: "groq" });
  const json = { model: "m", max_tokens: 9, stream: true, messages: [{ role: "user", content: "Hi" }] };
  const request = aiRequest(messagesFormat, json, 100);
  const target = { ...targetAt(other.provider, "llama"), translation: translation(request, "llama") };
  const call = await running({ body: { stream: true }, others: [target] });
  await says(call, 500);
  other.head(200, EVENT_STREAM);
  other.chunk(textEvent("Hello") + DONE);
  other.end();
  await call.done;
  assert.equal(call.settlements[0]!.outcome, "cut");
  assert.ok(call.reader.text.includes("PROVIDER_FAILED"));
});
