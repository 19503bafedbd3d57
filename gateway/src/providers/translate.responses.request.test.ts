import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { messagesAnswerToResponse } from "./translate.answer.responses.ts";
import type { ChatToMessages } from "./translate.request.messages.ts";
import { responsesToChat, responsesToMessages } from "./translate.responses.request.ts";
import { RESPONSE } from "./translate.responses.testing.ts";
import { conversation, words } from "./translate.testing.ts";
import { withoutOurThoughts } from "./translate.thoughts.ts";

function toChat(body: Fields, model = "llama") {
  const translated = responsesToChat(body, { model });
  if ("faults" in translated) assert.fail(JSON.stringify(translated.faults));
  return translated;
}

function toMessages(body: Fields, model = "claude-sonnet-4-5"): Extract<ChatToMessages, { body: Fields }> {
  const translated = responsesToMessages(body, { model, defaultMaxTokens: 4_096 });
  if ("faults" in translated) assert.fail(JSON.stringify(translated.faults));
  return translated;
}

function faultsOf(body: Fields): readonly (readonly string[])[] {
  return [
    responsesToChat(body, { model: "llama" }),
    responsesToMessages(body, { model: "claude-sonnet-4-5", defaultMaxTokens: 9 }),
  ].map((translated) => {
    assert.ok("faults" in translated, "nothing was refused");
    return translated.faults.map(({ path }) => path);
  });
}

const weather = { type: "function", name: "weather", parameters: { type: "object", properties: {} } };

/** A conversation of a chat, as a client of responses sends it. */
function itemsOf(messages: readonly Fields[]): readonly Fields[] {
  return messages.flatMap(({ role, content, tool_calls, tool_call_id: call_id }): readonly Fields[] => {
    if (role === "tool") return [{ type: "function_call_output", call_id, output: content }];
    const parts = typeof content === "string" ? content : objectsOf(content).map(partOf);
    const calls = objectsOf(tool_calls).map(({ id, function: named }) => {
      const { name, arguments: json } = fieldsOf(named);
      return { type: "function_call", call_id: id, name, arguments: json };
    });
    return [...(content == null ? [] : [{ type: "message", role, content: parts }]), ...calls];
  });
}

function partOf({ type, text, image_url }: Fields): Fields {
  return type === "text"
    ? { type: "input_text", text }
    : { type: "input_image", image_url: fieldsOf(image_url).url };
}

/** What messages say in their order, whatever their cut. */
function said(messages: readonly Fields[]): readonly string[] {
  return messages.flatMap(({ role, content, tool_calls, tool_call_id }) => {
    const by = role === "developer" ? "system" : role;
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : objectsOf(content);
    const told = (parts as readonly Fields[]).flatMap(({ text, image_url }) => {
      if (image_url !== undefined) return [`${by} shows ${fieldsOf(image_url).url}`];
      return String(text)
        .split("\n\n")
        .map((line) => `${by} ${tool_call_id ?? ""} says ${line}`);
    });
    return [
      ...told,
      ...objectsOf(tool_calls).map((call) => `calls ${call.id} ${JSON.stringify(call.function)}`),
    ];
  });
}

test("a conversation says the same to a chat model, in the same order", () => {
  fc.assert(
    fc.property(conversation, (messages) => {
      const { body, dropped } = toChat({ input: itemsOf(messages) });
      assert.deepEqual(said(objectsOf(body.messages)), said(messages));
      assert.deepEqual(dropped, []);
    }),
  );
});

test("a conversation says the same to Claude, and its turns take turns", () => {
  fc.assert(
    fc.property(conversation, (messages) => {
      const { body } = toMessages({ input: itemsOf(messages) });
      const turns = objectsOf(body.messages);
      for (const [index, { role }] of turns.entries()) assert.notEqual(role, turns[index - 1]?.role);
      const blocks = turns.flatMap(({ content }) => objectsOf(content));
      const uses = blocks
        .filter(({ type }) => type === "tool_use")
        .map(({ name, input }) => ({ name, input }));
      const calls = messages
        .flatMap(({ tool_calls }) => objectsOf(tool_calls))
        .map((call) => {
          const { name, arguments: json } = fieldsOf(call.function);
          return { name, input: JSON.parse(String(json)) };
        });
      assert.deepEqual(uses, calls);
      const images = messages
        .flatMap(({ content }) => objectsOf(content))
        .filter(({ image_url }) => image_url);
      assert.equal(blocks.filter(({ type }) => type === "image").length, images.length);
    }),
  );
});

test("every field that has a word in the other dialect is said", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "string" } },
    required: ["a"],
    additionalProperties: false,
  };
  const asked = {
    model: "groq/gpt-oss-120b",
    instructions: "Be brief.",
    input: "Hello",
    max_output_tokens: 64,
    temperature: 0.5,
    reasoning: { effort: "low", summary: "auto" },
    text: { format: { type: "json_schema", name: "one", schema, strict: true } },
    tools: [{ ...weather, description: "Tells it.", strict: true }],
    tool_choice: { type: "function", name: "weather" },
    parallel_tool_calls: false,
    user: "ann",
    stream: true,
    metadata: { order: "7" },
    store: false,
    include: ["reasoning.encrypted_content"],
    truncation: "disabled",
    service_tier: "auto",
  };
  const chat = toChat(asked, "gpt-oss-120b");
  assert.deepEqual(chat, {
    body: {
      model: "gpt-oss-120b",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hello" },
      ],
      max_completion_tokens: 64,
      tools: [
        {
          type: "function",
          function: {
            name: "weather",
            description: "Tells it.",
            parameters: weather.parameters,
            strict: true,
          },
        },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
      parallel_tool_calls: false,
      response_format: { type: "json_schema", json_schema: { name: "one", schema, strict: true } },
      user: "ann",
      stream: true,
      reasoning_effort: "low",
      temperature: 0.5,
    },
    dropped: [],
  });
  const { body, dropped } = toMessages(asked, "claude-sonnet-4-6");
  assert.deepEqual(fieldsOf(body.output_config).format, { type: "json_schema", schema });
  assert.deepEqual(
    [body.max_tokens, body.tool_choice],
    [64, { type: "tool", name: "weather", disable_parallel_tool_use: true }],
  );
  assert.deepEqual(dropped, ["temperature"]);
});

test("what a model cannot be told is dropped by the client's own name", () => {
  const asked = {
    input: "Hello",
    store: true,
    truncation: "auto",
    service_tier: "flex",
    prompt_cache_key: "k",
    max_tool_calls: 3,
    include: ["message.output_text.logprobs"],
    text: { verbosity: "low", format: { type: "json_object" } },
    reasoning: { effort: "high" },
  };
  const common = "text.verbosity, include, store, truncation, service_tier, prompt_cache_key, max_tool_calls";
  assert.equal(toChat(asked).dropped.join(", "), `${common}, reasoning.effort`);
  const { dropped } = toMessages({ ...asked, max_output_tokens: 64 });
  assert.equal(dropped.join(", "), `${common}, text.format, reasoning.effort`);
});

test("what is kept elsewhere, or is a tool of OpenAI's, is refused at its path", () => {
  for (const [body, path] of [
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ prompt: { id: "p" } }, "prompt"],
    [{ background: true }, "background"],
    [{ tools: [weather, { type: "web_search" }] }, "tools[1]"],
    [{ tools: [{ type: "mcp", server_label: "s" }] }, "tools[0]"],
    [{ tools: [weather], tool_choice: { type: "file_search" } }, "tool_choice"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0]"],
    [{ input: [{ type: "web_search_call", id: "ws_1" }] }, "input[0]"],
    [{ input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] }, "input[0].content[0]"],
    [
      { input: [{ role: "user", content: [{ type: "input_image", file_id: "f" }] }] },
      "input[0].content[0].image_url",
    ],
    [{ input: [{ type: "function_call", name: "f", arguments: "{}" }] }, "input[0]"],
    [{ input: [{ type: "function_call_output", output: "x" }] }, "input[0].call_id"],
    [{ text: { format: { type: "json_schema", name: "x" } } }, "text.format"],
  ] as const) {
    for (const paths of faultsOf({ input: "Hello", ...body })) assert.deepEqual(paths, [path]);
  }
});

test("a fault that only Claude has is told at the path of the client's own field", () => {
  const image = { type: "input_image", image_url: "data:image/tiff;base64,AAAA" };
  const input = [
    { role: "user", content: "Hello" },
    { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
    { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: "x" }, image] },
  ];
  const refused = responsesToMessages({ input }, { model: "claude", defaultMaxTokens: 9 });
  assert.ok("faults" in refused);
  assert.deepEqual(
    refused.faults.map(({ path }) => path),
    ["input[2].output[1].image_url"],
  );
});

test("an image that a tool gave is shown to Claude in its result, and to chat models after it", () => {
  const url = "data:image/png;base64,AAAA";
  const output = [
    { type: "input_text", text: "Done." },
    { type: "input_image", image_url: url },
  ];
  const input = [
    { role: "user", content: "Draw." },
    { type: "function_call", call_id: "a", name: "draw", arguments: "{}" },
    { type: "function_call", call_id: "b", name: "draw", arguments: "{}" },
    { type: "function_call_output", call_id: "a", output },
    { type: "function_call_output", call_id: "b", output: "None." },
  ];
  const [, result] = objectsOf(objectsOf(toMessages({ input }).body.messages)[2]?.content);
  assert.equal(result?.tool_use_id, "b");
  const [first] = objectsOf(objectsOf(toMessages({ input }).body.messages)[2]?.content);
  assert.deepEqual(
    objectsOf(first?.content).map(({ type }) => type),
    ["text", "image"],
  );
  assert.deepEqual(
    objectsOf(toChat({ input }).body.messages).map(({ role }) => role),
    ["user", "assistant", "tool", "tool", "user"],
  );
});

test("a custom tool is a function of one text, and its calls come back as such", () => {
  fc.assert(
    fc.property(words, (patch) => {
      const format = { type: "grammar", syntax: "lark", definition: "start: /.+/" };
      const tools = [{ type: "custom", name: "apply_patch", description: "Edits.", format }];
      const input = [
        { role: "user", content: "Edit." },
        { type: "custom_tool_call", call_id: "c", name: "apply_patch", input: patch },
        { type: "custom_tool_call_output", call_id: "c", output: "Done." },
      ];
      const { body, dropped } = toMessages({ input, tools });
      const [tool] = objectsOf(body.tools);
      assert.match(String(tool?.description), /Edits\.\n\n.*lark grammar:\nstart/);
      const [use] = objectsOf(objectsOf(body.messages)[1]?.content);
      assert.deepEqual([use?.name, use?.input], ["apply_patch", { input: patch }]);
      assert.deepEqual(dropped, []);
    }),
  );
});

test("of allowed tools the others are not told", () => {
  const tool_choice = {
    type: "allowed_tools",
    mode: "required",
    tools: [{ type: "function", name: "weather" }],
  };
  const { body } = toChat({ input: "Hello", tools: [weather, { ...weather, name: "other" }], tool_choice });
  assert.equal(body.tool_choice, "required");
  assert.deepEqual(
    objectsOf(body.tools).map((tool) => fieldsOf(tool.function).name),
    ["weather"],
  );
});

test("no body makes a translation throw", () => {
  const odd = fc.oneof(
    fc.anything(),
    fc.constant({ toString: 1, valueOf: 1 }),
    fc.array(fc.anything(), { maxLength: 3 }),
  );
  const type = fc.constantFrom(
    "message",
    "function_call",
    "custom_tool_call",
    "function_call_output",
    "reasoning",
  );
  const role = fc.constantFrom("user", "assistant", "system", 1);
  const fields = "content call_id name arguments input output summary encrypted_content".split(" ");
  const item = fc.record(
    { type, role, ...Object.fromEntries(fields.map((name) => [name, odd])) },
    { requiredKeys: [] },
  );
  const tool = fc.record({
    type: fc.constantFrom("function", "custom"),
    name: odd,
    description: odd,
    format: odd,
  });
  const keys = "tool_choice text reasoning include instructions metadata user max_output_tokens store".split(
    " ",
  );
  const body = fc.record(
    {
      input: fc.oneof(odd, fc.array(item, { maxLength: 4 })),
      tools: fc.oneof(odd, fc.array(tool, { maxLength: 2 })),
      ...Object.fromEntries(keys.map((key) => [key, odd])),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (asked) => {
      responsesToChat(asked, { model: "m" });
      responsesToMessages(asked, { model: "claude", defaultMaxTokens: 9 });
    }),
    { numRuns: 2_000 },
  );
});

const blocks = [
  { type: "thinking", thinking: "The sea.", signature: "sig" },
  { type: "redacted_thinking", data: "sealed" },
  { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
];
const answered = messagesAnswerToResponse({ content: blocks, stop_reason: "tool_use", usage: {} }, RESPONSE);
const result = { type: "function_call_output", call_id: "toolu_1", output: "Sunny." };
const secondTurn = { input: [{ role: "user", content: "Hello" }, ...objectsOf(answered.output), result] };

test("what Claude thought goes back to it signed, so that it goes on thinking after its tools", () => {
  const { body, dropped } = toMessages({
    ...secondTurn,
    reasoning: { effort: "high" },
    max_output_tokens: 8_000,
  });
  assert.deepEqual(objectsOf(body.messages)[1]?.content, blocks);
  assert.equal(fieldsOf(body.thinking).type, "enabled");
  assert.deepEqual(dropped, []);
});

test("thoughts are told to nobody who cannot read them, and the client is told so", () => {
  const { body, dropped } = toChat(secondTurn);
  assert.deepEqual(dropped, ["input.reasoning"]);
  assert.ok(!JSON.stringify(body).includes("The sea."));
  const foreign = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" };
  const { body: claude, dropped: left } = toMessages({ input: [{ role: "user", content: "Hi" }, foreign] });
  assert.deepEqual(left, ["input.reasoning"]);
  assert.equal(objectsOf(claude.messages).length, 1);
  const kept = withoutOurThoughts({ input: [...secondTurn.input, foreign] });
  const [user, , , call] = secondTurn.input;
  assert.deepEqual(kept?.input, [user, call, result, foreign]);
  assert.equal(withoutOurThoughts({ input: [foreign] }), undefined);
});
