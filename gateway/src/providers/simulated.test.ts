import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { hear, textOf } from "../lib/fetch.testing.ts";
import { openAiChat } from "./openai.chat.ts";
import { openAiUsage } from "./openai.usage.ts";
import { providerContract } from "./provider.contract.ts";
import { simulatedModels } from "./simulated.models.ts";
import { scriptOf } from "./simulated.script.ts";
import { type SimulatedCall, simulated } from "./simulated.ts";
import { tokensOf } from "./simulated.words.ts";
import { streamTap } from "./tap.ts";
import { wholeAnswer } from "./whole.ts";

const timeouts = { headersTimeoutMs: 500, bodyTimeoutMs: 500 };
providerContract("simulated", async (t) => {
  const provider = simulated({ clock: systemClock, timeouts });
  t.after(() => provider.close());
  return provider;
});

const user = (content: unknown) => [{ role: "user", content }];
const chatScript = (body: Buffer) => scriptOf({ path: "/chat/completions", headers: {}, body });
const script = (body: object) => chatScript(Buffer.from(JSON.stringify(body)));

function bytesOf(body: object): Buffer {
  return Buffer.concat(script(body).steps.map((step) => ("bytes" in step ? step.bytes : Buffer.alloc(0))));
}

/** The chunks of a streamed answer, without the end marker. */
function eventsOf(body: object): Record<string, unknown>[] {
  const lines = bytesOf({ stream: true, ...body })
    .toString()
    .split("\n\n")
    .filter((line) => line !== "");
  assert.equal(lines.pop(), "data: [DONE]");
  return lines.map((line) => JSON.parse(line.slice(6)));
}

test("the same request always gets the same answer", () => {
  for (const { example } of simulatedModels) {
    for (const stream of [true, false]) {
      const body = { model: example, messages: user("hello there"), stream };
      assert.deepEqual(script(body), script(body));
    }
  }
});

test("every documented model matches its own row first", () => {
  for (const row of simulatedModels) {
    assert.equal(
      simulatedModels.find(({ pattern }) => pattern.test(row.example)),
      row,
    );
  }
});

test("an unknown model echoes under its own name", () => {
  const answer = JSON.parse(bytesOf({ model: "sim-unheard-of", messages: user("hi there") }).toString());
  assert.equal(answer.model, "sim-unheard-of");
  assert.equal(answer.choices[0].message.content, "hi there");
});

test("a stream carries usage only if it was asked for, as OpenAI does", () => {
  const plain = eventsOf({ model: "sim-echo", messages: user("a b") });
  assert.ok(plain.every((event) => !("usage" in event)));
  const asked = eventsOf({
    model: "sim-echo",
    messages: user("a b"),
    stream_options: { include_usage: true },
  });
  const last = asked.pop();
  assert.deepEqual(last?.choices, []);
  assert.equal(openAiUsage(last?.usage)?.output, 2);
  assert.ok(asked.every((event) => event.usage === null && (event.choices as unknown[]).length > 0));
});

test("stream_options without a stream is refused, as OpenAI does", () => {
  const body = { model: "sim-echo", messages: user("a"), stream_options: { include_usage: true } };
  assert.equal(script(body).status, 400);
});

test("a request that is not one is refused", () => {
  const good = { model: "m", messages: user("a") };
  assert.equal(chatScript(Buffer.from("{")).status, 400);
  const bad = [[], { ...good, model: 1 }, { ...good, messages: [] }, { ...good, n: 0 }, { ...good, n: 17 }];
  for (const body of [...bad, { ...good, max_tokens: -1 }, { ...good, max_tokens: "5" }]) {
    assert.equal(script(body).status, 400, JSON.stringify(body));
  }
});

test("usage is what was really written, under every spelling of the output limit", () => {
  const spellings = fc.constantFrom("max_tokens", "max_completion_tokens", "max_output_tokens");
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
      fc.constantFrom("sim-echo", "sim-words-30", "sim-reasoning", "sim-tools", "sim-cached-90"),
      fc.option(fc.tuple(spellings, fc.integer({ min: 1, max: 80 }))),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (text, model, cap, n, stream) => {
        const limit = cap === null ? {} : { [cap[0]]: cap[1] };
        const stream_options = stream ? { stream_options: { include_usage: true } } : {};
        const body = { model, messages: user(text), n, stream, ...stream_options, ...limit };
        const bytes = bytesOf(body);
        const tap = streamTap(openAiChat, { hideUsage: false });
        if (stream) tap.push(bytes);
        const usage = (stream ? tap.finish() : wholeAnswer(openAiChat, bytes))?.metered?.usage;
        assert.ok(usage);
        const written = writtenBy(bytes, stream, n);
        const reasoning = usage.reasoning / n;
        assert.equal(
          usage.output,
          written.reduce((sum, said) => sum + tokensOf(said).length + reasoning, 0),
        );
        assert.ok(cap === null || usage.output <= cap[1] * n);
        const {
          steps,
          prompt: { promptTokens, cachedTokens },
        } = script(body);
        assert.equal(
          steps.reduce((sum, step) => sum + step.tokens, 0),
          usage.output,
        );
        assert.equal(usage.input, promptTokens);
        assert.equal(usage.cacheRead, cachedTokens);
      },
    ),
    { numRuns: 500 },
  );
});

/** The text or tool arguments of each choice. */
function writtenBy(bytes: Buffer, stream: boolean, n: number): string[] {
  type Part = { index: number; delta?: Said; message?: Said };
  type Said = { content?: string; tool_calls?: { function: { arguments: string } }[] };
  const answers = stream
    ? bytes
        .toString()
        .split("\n\n")
        .slice(0, -2)
        .map((line) => JSON.parse(line.slice(6)))
    : [JSON.parse(bytes.toString())];
  const written = Array.from({ length: n }, () => "");
  for (const { index, delta, message } of answers.flatMap(({ choices }: { choices: Part[] }) => choices)) {
    const said = delta ?? message ?? {};
    written[index] +=
      (said.content ?? "") + (said.tool_calls ?? []).map((call) => call.function.arguments).join("");
  }
  return written;
}

test("an answer that hits its limit says length, one that does not says stop", () => {
  const finish = (body: object) => JSON.parse(bytesOf(body).toString()).choices[0].finish_reason;
  const body = { model: "sim-words-10", messages: user("x") };
  assert.equal(finish({ ...body, max_tokens: 9 }), "length");
  assert.equal(finish({ ...body, max_tokens: 10 }), "stop");
  assert.equal(finish({ ...body, model: "sim-tools" }), "tool_calls");
});

test("prompt tokens follow the documented formula", () => {
  const image = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const messages = [
    { role: "system", content: "12345" },
    { role: "user", content: [{ type: "text", text: "12345678" }, image] },
  ];
  const tools = [{ type: "function", function: { name: "f" } }];
  assert.equal(script({ model: "m", messages }).prompt.promptTokens, 4 + 2 + 4 + 2 + 85);
  const withTools = script({ model: "m", messages, tools }).prompt.promptTokens;
  assert.equal(withTools, 97 + Math.ceil(JSON.stringify(tools).length / 4));
});

test("nine tenths of the prompt of sim-cached-90 are cached", () => {
  const { prompt } = script({ model: "sim-cached-90", messages: user("x".repeat(384)) });
  assert.deepEqual(prompt, { promptTokens: 100, cachedTokens: 90, cacheWriteTokens: 0 });
});

test("a slow model takes its time, streamed or whole", () => {
  const body = { model: "sim-slow-20tps", messages: user("x"), max_tokens: 10 };
  assert.equal(script(body).headAfterMs, 500);
  const { steps } = script({ ...body, stream: true });
  assert.equal(
    steps.reduce((sum, step) => sum + step.afterMs, 0),
    500,
  );
});

test("the faults are the ones that their names say", () => {
  const messages = user("x");
  assert.equal(wholeAnswer(openAiChat, bytesOf({ model: "sim-badjson", messages })), undefined);
  assert.equal(bytesOf({ model: "sim-empty", messages }).length, 0);
  assert.match(bytesOf({ model: "sim-html-200", messages, stream: true }).toString(), /^<!doctype html>/);
  assert.equal(script({ model: "sim-error-midstream", messages }).status, 500);
  const tap = streamTap(openAiChat, { hideUsage: true });
  tap.push(bytesOf({ model: "sim-error-midstream", messages, stream: true }));
  const { error, complete, textBytes } = tap.finish();
  assert.equal(error?.code, "server_error");
  assert.equal(complete, false);
  assert.ok(textBytes > 0);
  const malformed = bytesOf({ model: "sim-badjson", messages, stream: true }).toString().split("\n\n");
  assert.equal(malformed.filter((line) => line.startsWith("data: {") && !line.endsWith("}")).length, 1);
});

test("a call is billed for what was sent until it was left", async () => {
  const clock = new VirtualClock();
  const calls: SimulatedCall[] = [];
  const provider = simulated({ clock, log: (call) => calls.push(call) });
  const body = Buffer.from(
    JSON.stringify({ model: "sim-slow-20tps", messages: user("hello"), stream: true }),
  );
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const { exchange, heard } = hear(
    (events) => provider.send({ path: "/chat/completions", headers: {}, body }, events),
    () => resolve(),
  );
  await begun;
  clock.advance(520);
  exchange.abort();
  exchange.abort();
  clock.advance(60_000);
  assert.equal(heard.chunks.length, 11);
  assert.equal(calls.length, 1);
  const { promptTokens, outputTokens, aborted, model } = calls[0]!;
  const expected = { promptTokens: 6, outputTokens: 10, aborted: true, model: "sim-slow-20tps" };
  assert.deepEqual({ promptTokens, outputTokens, aborted, model }, expected);
});

test("a call that was answered to the end is not aborted by its caller's tidying up", async () => {
  const calls: SimulatedCall[] = [];
  const provider = simulated({ clock: new VirtualClock(), log: (call) => calls.push(call) });
  const body = Buffer.from(JSON.stringify({ model: "sim-echo", messages: user("hello") }));
  await new Promise<void>((resolve) => {
    const exchange = provider.send(
      { path: "/chat/completions", headers: {}, body },
      {
        head() {},
        chunk() {},
        end() {
          exchange.abort();
          resolve();
        },
        fail: () => assert.fail(),
      },
    );
  });
  assert.deepEqual(
    calls.map(({ aborted }) => aborted),
    [false],
  );
});

test("a call that is left before it is answered is billed nothing", () => {
  const calls: SimulatedCall[] = [];
  const provider = simulated({ clock: new VirtualClock(), log: (call) => calls.push(call) });
  const body = Buffer.from(JSON.stringify({ model: "sim-echo", messages: user("hello") }));
  hear((events) => provider.send({ path: "/chat/completions", headers: {}, body }, events)).exchange.abort();
  assert.equal(calls[0]?.promptTokens, 0);
  assert.equal(calls[0]?.outputTokens, 0);
});

test("a pause during a wait does not lose or repeat a step", async () => {
  const clock = new VirtualClock();
  const provider = simulated({ clock });
  const body = Buffer.from(
    JSON.stringify({ model: "sim-slow-20tps", messages: user("a"), stream: true, max_tokens: 3 }),
  );
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const { exchange, heard, over } = hear(
    (events) => provider.send({ path: "/chat/completions", headers: {}, body }, events),
    () => resolve(),
  );
  await begun;
  exchange.pause();
  clock.advance(1000);
  assert.equal(heard.chunks.length, 1);
  exchange.resume();
  exchange.resume();
  await Promise.resolve();
  assert.equal(heard.chunks.length, 2);
  exchange.pause();
  exchange.resume();
  clock.advance(1000);
  await over;
  assert.equal(textOf(heard).split("\n\n").length, 1 + 3 + 1 + 1 + 1);
});

test("another path is unknown", async () => {
  const provider = simulated({ clock: new VirtualClock() });
  const request = { path: "/images", headers: {}, body: Buffer.from("{}") };
  assert.equal((await hear((events) => provider.send(request, events)).over).status, 404);
});
