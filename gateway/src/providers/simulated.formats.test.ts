import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anthropicMessages } from "./anthropic.messages.ts";
import { openAiChat } from "./openai.chat.ts";
import { openAiEmbeddings } from "./openai.embeddings.ts";
import { openAiResponses } from "./openai.responses.ts";
import { simulatedModels } from "./simulated.models.ts";
import { type Script, scriptOf } from "./simulated.script.ts";
import { tokensOf } from "./simulated.words.ts";
import { streamTap } from "./tap.ts";
import { wholeAnswer } from "./whole.ts";

type Said = { readonly text: string; readonly cap?: number | undefined };

/** The same question in the formats that can stream its answer. */
const spoken = [
  {
    wire: openAiChat,
    path: "/chat/completions",
    body: ({ text, cap }: Said) => ({
      messages: [{ role: "user", content: text }],
      ...(cap === undefined ? {} : { max_tokens: cap }),
    }),
  },
  {
    wire: openAiResponses,
    path: "/responses",
    body: ({ text, cap }: Said) => ({
      input: [{ role: "user", content: [{ type: "input_text", text }] }],
      ...(cap === undefined ? {} : { max_output_tokens: cap }),
    }),
  },
  {
    wire: anthropicMessages,
    path: "/v1/messages",
    body: ({ text, cap = 1_000 }: Said) => ({
      messages: [{ role: "user", content: [{ type: "text", text }] }],
      max_tokens: cap,
    }),
  },
] as const;

function script(path: string, body: object, headers: Record<string, string> = {}): Script {
  return scriptOf({ path, headers, body: Buffer.from(JSON.stringify(body)) });
}

function bytesOf({ steps }: Script): Buffer {
  return Buffer.concat(steps.map((step) => ("bytes" in step ? step.bytes : Buffer.alloc(0))));
}

const jsonOf = (one: Script) => JSON.parse(bytesOf(one).toString());

/** What the gateway reads of it. */
function told(wire: (typeof spoken)[number]["wire"], one: Script, stream: boolean) {
  if (!stream) return { ...wholeAnswer(wire, bytesOf(one))!, complete: true };
  const tap = streamTap(wire, { hideUsage: false });
  tap.push(bytesOf(one));
  return tap.finish();
}

test("in every format the usage is what was written and what is billed", () => {
  const models = [
    "sim-echo",
    "sim-words-30",
    "sim-reasoning",
    "sim-tools",
    "sim-cached-90",
    "sim-cache-write-50",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...spoken),
      fc.constantFrom(...models),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
      fc.option(fc.integer({ min: 1, max: 80 }), { nil: undefined }),
      fc.boolean(),
      ({ wire, path, body }, model, text, cap, stream) => {
        const asking = wire === openAiChat && stream ? { stream_options: { include_usage: true } } : {};
        const one = script(path, { model, stream, ...asking, ...body({ text, cap }) });
        const { metered, complete, isOutputCounted, textBytes } = told(wire, one, stream);
        assert.ok(metered && complete && isOutputCounted);
        const { usage } = metered;
        const written = one.steps.reduce((sum, { tokens }) => sum + tokens, 0);
        const { promptTokens, cachedTokens, cacheWriteTokens } = one.prompt;
        assert.equal(usage.output, written);
        assert.ok(cap === undefined || usage.output <= cap);
        assert.equal(usage.reasoning, model === "sim-reasoning" ? Math.min(64, cap ?? 64) : 0);
        assert.deepEqual(
          [usage.input, usage.cacheRead, usage.cacheWrite5m, usage.cacheWrite1h],
          [promptTokens, cachedTokens, cacheWriteTokens, 0],
        );
        if (model === "sim-echo" && cap === undefined) {
          assert.equal(written, tokensOf(text).length);
          assert.equal(textBytes, Buffer.byteLength(text));
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test("in every format the same question is answered with the same words at the same price", () => {
  for (const { example: model } of simulatedModels) {
    const answers = spoken.map(({ wire, path, body }) => {
      const one = script(path, { model, ...body({ text: "one two three", cap: 1_000 }) });
      const { status, headAfterMs, prompt, steps } = one;
      const cuts = steps.filter((step) => "cut" in step).length;
      const tokens = steps.reduce((sum, step) => sum + step.tokens, 0);
      const isAnswer = status === 200 && wholeAnswer(wire, bytesOf(one))?.isAnswer === true;
      return { status, headAfterMs, prompt, cuts, tokens, isAnswer };
    });
    for (const answer of answers) assert.deepEqual(answer, answers[0], model);
  }
});

test("in every format a stream that goes wrong is no whole one", () => {
  for (const { wire, path, body } of spoken) {
    for (const model of ["sim-cut-40of60", "sim-error-midstream", "sim-empty"]) {
      const one = script(path, { model, stream: true, ...body({ text: "x" }) });
      const { error, complete } = told(wire, one, true);
      if (model === "sim-error-midstream") assert.notEqual(error, undefined, wire.name);
      else assert.equal(complete, false, `${wire.name} ${model}`);
    }
    const malformed = bytesOf(script(path, { model: "sim-badjson", stream: true, ...body({ text: "x" }) }));
    const halves = malformed
      .toString()
      .split("\n\n")
      .filter((event) => event.includes("data: {") && !event.endsWith("}"));
    assert.equal(halves.length, 1, wire.name);
    const page = script(path, { model: "sim-html-200", stream: true, ...body({ text: "x" }) });
    assert.match(bytesOf(page).toString(), /^<!doctype html>/);
  }
});

test("a model that fails the first times answers afterwards", () => {
  const body = Buffer.from(JSON.stringify({ model: "sim-500-n2", input: "x" }));
  const statusAfter = (times: number) =>
    scriptOf({ path: "/responses", headers: {}, body }, () => times).status;
  assert.deepEqual([0, 1, 2, 3].map(statusAfter), [500, 500, 200, 200]);
});

test("a tool is called with its name, and its result is echoed", () => {
  const model = "sim-tools";
  const messages = [{ role: "user", content: "Vienna" }];
  const chat = jsonOf(
    script("/chat/completions", {
      model,
      messages,
      tools: [{ type: "function", function: { name: "weather" } }],
    }),
  );
  const response = jsonOf(
    script("/responses", {
      model,
      input: "Vienna",
      tools: [
        { type: "local_shell" },
        { type: "custom", name: "patch" },
        { type: "function", name: "weather" },
      ],
    }),
  );
  const message = jsonOf(
    script("/v1/messages", { model, messages, max_tokens: 99, tools: [{ name: "weather" }] }),
  );
  const [{ message: said, finish_reason }] = chat.choices;
  assert.deepEqual([finish_reason, message.stop_reason], ["tool_calls", "tool_use"]);
  for (const [name, input] of [
    [said.tool_calls[0].function.name, JSON.parse(said.tool_calls[0].function.arguments)],
    [response.output[0].name, JSON.parse(response.output[0].arguments)],
    [message.content[0].name, message.content[0].input],
  ]) {
    assert.deepEqual([name, input], ["weather", { query: "Vienna" }]);
  }

  const result = "Sunny";
  const results = [
    jsonOf(
      script("/chat/completions", {
        model,
        messages: [...messages, said, { role: "tool", tool_call_id: "c", content: result }],
      }),
    ).choices[0].message.content,
    jsonOf(
      script("/responses", {
        model,
        input: [...response.output, { type: "function_call_output", call_id: "c", output: result }],
      }),
    ).output[0].content[0].text,
    jsonOf(
      script("/v1/messages", {
        model,
        max_tokens: 99,
        messages: [
          ...messages,
          { role: "assistant", content: message.content },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: result }] },
        ],
      }),
    ).content[0].text,
  ];
  assert.deepEqual(results, [result, result, result]);
});

test("a message begins with an exact input and an output of 1, and ends with the sum of everything", () => {
  const body = { max_tokens: 99, messages: [{ role: "user", content: "one two three" }] };
  const events = bytesOf(script("/v1/messages", { model: "sim-cached-90", stream: true, ...body }))
    .toString()
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => JSON.parse(event.slice(event.indexOf("data: ") + 6)));
  const start = events[0].message.usage;
  const end = events.find(({ type }) => type === "message_delta").usage;
  assert.deepEqual([start.output_tokens, end.output_tokens], [1, 3]);
  assert.deepEqual(
    [start.input_tokens, start.cache_read_input_tokens],
    [end.input_tokens, end.cache_read_input_tokens],
  );
  assert.equal(end.input_tokens + end.cache_read_input_tokens, 8);
});

test("each version of Anthropic's interface refuses what it does not know, in its own words", () => {
  const user = { role: "user", content: "x" };
  const ask = (version: string, fields: object) =>
    script(
      "/v1/messages",
      { model: "m", max_tokens: 5, messages: [user], ...fields },
      { "anthropic-version": version },
    );
  const system = { messages: [user, { role: "system", content: "y" }] };
  const statuses = (fields: object) =>
    ["2023-06-01", "2026-10-21"].map((version) => ask(version, fields).status);
  assert.deepEqual(statuses({}), [200, 200]);
  assert.deepEqual(statuses({ temperature: 1 }), [200, 400]);
  assert.deepEqual(statuses(system), [400, 200]);
  assert.deepEqual(statuses({ max_tokens: null }), [400, 400]);
  const quota = (version: string) => jsonOf(ask(version, { model: "sim-quota" })).error;
  assert.equal(quota("2023-06-01").details, undefined);
  assert.equal(quota("2026-10-21").details.error_code, "enforced_spend_limit_reached");
});

test("counting tokens tells the input of a message and bills nothing", () => {
  const body = {
    model: "sim-cached-90",
    system: "Be brief.",
    messages: [{ role: "user", content: "Hello" }],
  };
  const counted = script("/v1/messages/count_tokens", body);
  const message = script("/v1/messages", { ...body, max_tokens: 9 });
  assert.equal(jsonOf(counted).input_tokens, message.prompt.promptTokens);
  assert.deepEqual(counted.prompt, { promptTokens: 0, cachedTokens: 0, cacheWriteTokens: 0 });
  assert.equal(script("/v1/messages/count_tokens", { ...body, model: "sim-529" }).status, 529);
});

test("an embedding has length 1, as many dimensions as asked for, and is the same in both encodings", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 64 }),
      (input, dimensions) => {
        const ask = (encoding_format: string) =>
          script("/embeddings", { model: "m", input, dimensions, encoding_format });
        const plain = jsonOf(ask("float")).data as { embedding: number[] }[];
        const packed = jsonOf(ask("base64")).data as { embedding: string }[];
        assert.equal(plain.length, input.length);
        for (const [at, { embedding }] of plain.entries()) {
          const bytes = Buffer.from(packed[at]!.embedding, "base64");
          assert.deepEqual(
            embedding.map((_, part) => bytes.readFloatLE(4 * part)),
            embedding,
          );
          assert.equal(embedding.length, dimensions);
          assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-6);
        }
        assert.deepEqual(plain[0], jsonOf(ask("float")).data[0]);
      },
    ),
    { numRuns: 200 },
  );
  const one = script("/embeddings", { model: "m", input: [[1, 2, 3], [4]] });
  assert.equal(jsonOf(one).data[0].embedding.length, 1536);
  assert.equal(wholeAnswer(openAiEmbeddings, bytesOf(one))?.metered?.usage.input, 4);
  assert.equal(one.prompt.promptTokens, 4);
});
