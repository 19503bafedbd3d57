import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { claudeCodeBody } from "./translate.claude-code.testing.ts";
import { messagesToChat } from "./translate.request.chat.ts";
import { type ChatToMessages, chatToMessages } from "./translate.request.messages.ts";
import { conversation, words } from "./translate.testing.ts";

const options = { model: "claude-sonnet-4-5", defaultMaxTokens: 4_096 };

function toMessages(chat: Fields, model = options.model): Extract<ChatToMessages, { body: Fields }> {
  const translated = chatToMessages(chat, { ...options, model });
  if ("faults" in translated) assert.fail(JSON.stringify(translated.faults));
  return translated;
}

function toChat(body: Fields, model = "gpt-5.1") {
  const translated = messagesToChat(body, { model });
  if ("faults" in translated) assert.fail(JSON.stringify(translated.faults));
  return translated;
}

function faultsOf(translated: object): readonly string[] {
  assert.ok("faults" in translated, "nothing was refused");
  return objectsOf(translated.faults).map(({ path }) => String(path));
}

const hello = { messages: [{ role: "user", content: "Hello" }] };
const weather = { name: "weather", description: "Tells it.", parameters: { type: "object", properties: {} } };

type Item = { readonly role: unknown; readonly kind: string; readonly value: string };

/** What a chat says, whatever the cut of its messages: one item for every text, image, call and result. */
function meaningOf(messages: unknown): { readonly system: string; readonly items: readonly Item[] } {
  const system: string[] = [];
  const items: Item[] = [];
  for (const { role, content, tool_calls, tool_call_id: id } of objectsOf(messages)) {
    if (role === "system" || role === "developer") system.push(String(content));
    else if (role === "tool") items.push({ role, kind: `result of ${id}`, value: String(content) });
    else {
      const parts = typeof content === "string" ? [{ type: "text", text: content }] : objectsOf(content);
      for (const { type, text, image_url } of parts as readonly Fields[]) {
        const last = items.at(-1);
        if (type === "image_url") items.push({ role, kind: type, value: JSON.stringify(image_url) });
        else if (last?.role === role && last?.kind === "text") {
          items[items.length - 1] = { ...last, value: `${last.value}\n\n${text}` };
        } else items.push({ role, kind: "text", value: String(text) });
      }
      for (const call of objectsOf(tool_calls)) {
        items.push({ role, kind: `call ${call.id}`, value: JSON.stringify(call.function) });
      }
    }
  }
  return { system: system.join("\n\n"), items };
}

test("a conversation that goes through messages and back says the same, in the same order", () => {
  fc.assert(
    fc.property(conversation, (messages) => {
      const { body } = toChat(toMessages({ messages }).body);
      assert.deepEqual(meaningOf(body.messages), meaningOf(messages));
    }),
    { numRuns: 1_000 },
  );
});

test("turns of messages alternate, and results of tools come first in theirs", () => {
  fc.assert(
    fc.property(conversation, (messages) => {
      let before: unknown;
      for (const { role, content } of objectsOf(toMessages({ messages }).body.messages)) {
        assert.notEqual(role, before);
        before = role;
        const kinds = objectsOf(content).map(({ type }) => type === "tool_result");
        if (role === "user")
          assert.deepEqual(
            kinds,
            kinds.toSorted((a, b) => Number(b) - Number(a)),
          );
      }
    }),
  );
});

test("settings that both dialects know survive the way there and back", () => {
  const schema = { type: "object", properties: { a: {} }, required: ["a"], additionalProperties: false };
  const settings = fc.record(
    {
      max_completion_tokens: fc.integer({ min: 1, max: 100_000 }),
      stop: fc.array(words, { minLength: 1, maxLength: 4 }),
      tools: fc.constant([{ type: "function", function: weather }]),
      user: fc.stringMatching(/^[a-z0-9-]{1,64}$/),
      stream: fc.constant(true),
      response_format: fc.constant({
        type: "json_schema",
        json_schema: { name: "answer", schema, strict: true },
      }),
    },
    { requiredKeys: ["max_completion_tokens"] },
  );
  const choices = fc.record(
    {
      tool_choice: fc.constantFrom("auto", "required", {
        type: "function",
        function: { name: "weather" },
      }),
      parallel_tool_calls: fc.constant(false),
    },
    { requiredKeys: ["tool_choice"] },
  );
  fc.assert(
    fc.property(settings, choices, (given, choice) => {
      const chat = { ...hello, ...given, ...(given.tools === undefined ? {} : choice) };
      const there = toMessages(chat);
      assert.deepEqual(there.dropped, []);
      const back = toChat(there.body);
      assert.deepEqual(back.dropped, []);
      assert.deepEqual(back.body, { ...chat, model: "gpt-5.1" });
    }),
  );
});

test("no body makes a translation throw", () => {
  const odd = fc.oneof(
    fc.anything(),
    fc.constant({ toString: 1, valueOf: 1 }),
    fc.array(fc.anything(), { maxLength: 3 }),
  );
  const roles = ["system", "user", "assistant", "tool"];
  const message = fc.record({ role: fc.constantFrom(...roles), content: odd }, { requiredKeys: ["role"] });
  const keys = "tools tool_choice stop stop_sequences system thinking reasoning_effort metadata user n".split(
    " ",
  );
  const body = fc.record(
    {
      messages: fc.oneof(odd, fc.array(message, { maxLength: 3 })),
      ...Object.fromEntries(keys.map((key) => [key, odd])),
      output_config: fc.record({ effort: odd, format: odd }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(body, (fields) => {
      chatToMessages(fields, options);
      messagesToChat(fields, { model: "m" });
    }),
    { numRuns: 2_000 },
  );
});

test("every spelling of the output limit counts, and the smallest of them; without one it is the model's", () => {
  for (const name of ["max_tokens", "max_completion_tokens", "max_output_tokens"]) {
    assert.equal(toMessages({ ...hello, [name]: 7 }).body.max_tokens, 7);
  }
  assert.equal(toMessages({ ...hello, max_tokens: 9, max_completion_tokens: 5 }).body.max_tokens, 5);
  assert.equal(toMessages({ ...hello, max_tokens: null }).body.max_tokens, 4_096);
  assert.deepEqual(faultsOf(chatToMessages({ ...hello, max_tokens: 1.5 }, options)), ["max_tokens"]);
});

test("sampling parameters are asked for with the version that knows them, of models that take them", () => {
  const sampled = toMessages({ ...hello, temperature: 0.2 });
  assert.equal(sampled.version, "2023-06-01");
  assert.equal(sampled.body.temperature, 0.2);
  assert.equal(toMessages({ ...hello, temperature: 1, top_p: 1 }).version, "2026-10-21");
  const both = toMessages({ ...hello, temperature: 1.8, top_p: 0.5 });
  assert.equal(both.body.temperature, 1);
  assert.deepEqual(both.dropped, ["temperature", "top_p"]);
  const newer = toMessages({ ...hello, temperature: 0.2, top_p: 0.5 }, "claude-opus-4-7");
  assert.deepEqual(newer.dropped, ["temperature", "top_p"]);
  assert.equal(newer.version, "2026-10-21");
  assert.equal("temperature" in newer.body, false);
});

test("effort is a budget for older models, and thinking by itself for newer ones", () => {
  const asked = { ...hello, reasoning_effort: "medium", max_tokens: 10_000 };
  assert.deepEqual(toMessages(asked).body.thinking, { type: "enabled", budget_tokens: 5_000 });
  const newer = toMessages({ ...asked, temperature: 0.5 }, "claude-opus-5").body;
  assert.deepEqual([newer.thinking, newer.output_config], [{ type: "adaptive" }, { effort: "medium" }]);
  const effort = (chat: Fields, model: string) => toMessages({ ...asked, ...chat }, model).body.output_config;
  assert.deepEqual(effort({ reasoning_effort: "xhigh" }, "claude-sonnet-4-6"), { effort: "high" });
  assert.deepEqual(effort({ reasoning_effort: "xhigh" }, "claude-opus-4-8"), { effort: "xhigh" });
  assert.deepEqual(effort({ reasoning_effort: "none" }, "claude-opus-4-8"), { effort: "low" });
});

test("no budget is set where the model would refuse it", () => {
  const asked = { ...hello, reasoning_effort: "high", max_tokens: 8_000 };
  const tools = [{ type: "function", function: weather }];
  const call = { id: "c", type: "function", function: { name: "weather", arguments: "{}" } };
  const result = { role: "tool", tool_call_id: "c", content: "sunny" };
  const resumed = [...hello.messages, { role: "assistant", tool_calls: [call] }, result];
  for (const chat of [
    { ...asked, max_tokens: 1_024 },
    { ...asked, tools, tool_choice: "required" },
    { ...asked, tools, messages: resumed },
  ]) {
    const { body, dropped } = toMessages(chat);
    assert.equal("thinking" in body, false);
    assert.deepEqual(dropped, ["reasoning_effort"]);
  }
  assert.deepEqual(toMessages(asked, "claude-3-5-haiku-latest").dropped, ["reasoning_effort"]);
});

test("what a Claude model cannot do is refused, each with its path", () => {
  const audio = { type: "input_audio", input_audio: { data: "", format: "wav" } };
  const file = { type: "file", file: { file_id: "file-1" } };
  const picture = { type: "image_url", image_url: { url: "data:image/tiff;base64,AAAA" } };
  const chat = {
    messages: [
      { role: "user", content: [{ type: "text", text: "a" }, audio, file, picture] },
      { role: "function", name: "f", content: "b" },
    ],
    tools: [{ type: "custom", custom: { name: "c" } }],
    tool_choice: { type: "custom", custom: { name: "c" } },
    n: 2,
    functions: [],
    modalities: ["text", "audio"],
  };
  assert.deepEqual(faultsOf(chatToMessages(chat, options)), [
    "messages[0].content[1]",
    "messages[0].content[2]",
    "messages[0].content[3].image_url.url",
    "messages[1].role",
    "tools[0]",
    "tool_choice",
    "n",
    "functions",
    "modalities",
  ]);
  const silent = { messages: [{ role: "system", content: "Be kind." }] };
  assert.deepEqual(faultsOf(chatToMessages(silent, options)), ["messages"]);
});

test("what has no counterpart and changes no meaning is dropped by name, and what asks for nothing is not named", () => {
  const chat = {
    ...hello,
    seed: 7,
    logprobs: true,
    logit_bias: { 5: 1 },
    response_format: { type: "json_object" },
    stop: ["END", "\n"],
    presence_penalty: 0,
    frequency_penalty: 0.5,
    store: false,
    service_tier: "auto",
    prompt_cache_key: null,
    "bad\r\nname": 1,
  };
  const { body, dropped } = toMessages(chat);
  assert.deepEqual(dropped.toSorted(), [
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "others",
    "response_format",
    "seed",
    "stop",
  ]);
  assert.deepEqual(body.stop_sequences, ["END"]);
});

test("marks of a cached prompt are kept, in either spelling", () => {
  const cache_control = { type: "ephemeral" };
  const { body } = toMessages({
    messages: [
      { role: "system", content: "Long.", cache_control },
      { role: "user", content: [{ type: "text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } }] },
      {
        role: "user",
        content: [{ type: "text", text: "b", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }],
      },
    ],
    tools: [{ type: "function", function: weather, cache_control }],
  });
  assert.deepEqual(body.system, [{ type: "text", text: "Long.", cache_control }]);
  assert.deepEqual(objectsOf(objectsOf(body.messages)[0]!.content), [
    { type: "text", text: "a", cache_control },
    { type: "text", text: "b", cache_control: { type: "ephemeral", ttl: "1h" } },
  ]);
  assert.deepEqual(objectsOf(body.tools)[0]!.cache_control, cache_control);
});

test("ids of tool calls that Anthropic would refuse are written so that call and result still meet", () => {
  const call = {
    id: "functions.weather:0",
    type: "function",
    function: { name: "weather", arguments: "oops" },
  };
  const { body } = toMessages({
    messages: [
      ...hello.messages,
      { role: "assistant", content: "", tool_calls: [call] },
      { role: "tool", tool_call_id: "functions.weather:0", content: "" },
    ],
  });
  const [, used, result] = objectsOf(body.messages).map(({ content }) => objectsOf(content)[0]!);
  assert.match(String(used!.id), /^[A-Za-z0-9_-]+$/);
  assert.equal(result!.tool_use_id, used!.id);
  assert.deepEqual(used!.input, { arguments: "oops" });
});

test("Claude Code's request reaches a chat model whole", () => {
  const { body, dropped } = toChat(claudeCodeBody);
  const call = (id: string, path: string) => ({
    id,
    type: "function",
    function: { name: "Read", arguments: JSON.stringify({ file_path: path }) },
  });
  assert.deepEqual(body.messages, [
    {
      role: "system",
      content:
        "You are Claude Code, Anthropic's official CLI for Claude.\n\n" +
        "You are an interactive agent that helps with software.\n# Tone",
    },
    {
      role: "user",
      content: "<system-reminder>Today is a day.</system-reminder>\n\nWhat is in logo.png and in a.txt?",
    },
    {
      role: "assistant",
      content: "I'll read them.",
      tool_calls: [call("toolu_01A", "/logo.png"), call("toolu_01B", "/a.txt")],
    },
    { role: "tool", tool_call_id: "toolu_01A", content: "The image is in the next message." },
    { role: "tool", tool_call_id: "toolu_01B", content: "Error: File does not exist." },
    {
      role: "user",
      content: [
        { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
        { type: "text", text: "Go on." },
      ],
    },
  ]);
  assert.equal(body.max_completion_tokens, 32_000);
  assert.equal(body.reasoning_effort, "medium");
  assert.equal(body.stream, true);
  assert.equal(String(body.user).length, 64);
  assert.deepEqual(
    objectsOf(body.tools).map((tool) => fieldsOf(tool.function).name),
    ["Read", "Bash"],
  );
  assert.deepEqual(dropped, [
    "cache_control",
    "thinking",
    "tools.eager_input_streaming",
    "context_management",
  ]);
});

test("a model that takes no effort is not asked for any", () => {
  const { body, dropped } = toChat(claudeCodeBody, "llama-3.3-70b-versatile");
  assert.equal("reasoning_effort" in body, false);
  assert.ok(dropped.includes("output_config.effort"));
  const most = toChat({ ...claudeCodeBody, output_config: { effort: "max" } });
  assert.equal(most.body.reasoning_effort, "high");
  const budget = toChat({
    ...claudeCodeBody,
    output_config: {},
    thinking: { type: "enabled", budget_tokens: 2_000 },
  });
  assert.equal(budget.body.reasoning_effort, "low");
});

test("what only Anthropic's models know is refused, each with its path", () => {
  const pdf = { type: "document", source: { type: "base64", media_type: "application/pdf", data: "" } };
  const image = { type: "image", source: { type: "file", file_id: "file_1" } };
  const body = {
    messages: [
      { role: "user", content: [pdf, image, { type: "tool_result", tool_use_id: "t", content: [pdf] }] },
      { role: "assistant", content: [{ type: "server_tool_use", id: "s", name: "web_search", input: {} }] },
    ],
    tools: [{ type: "web_search_20250305", name: "web_search" }],
    mcp_servers: [{}],
    inference_geo: "eu",
  };
  assert.deepEqual(faultsOf(messagesToChat(body, { model: "m" })), [
    "messages[0].content[0]",
    "messages[0].content[1].source",
    "messages[0].content[2].content[0]",
    "messages[1].content[0]",
    "tools[0]",
    "mcp_servers",
    "inference_geo",
  ]);
});

test("a schema that OpenAI would not take to the letter is asked for without", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "object", properties: { b: {} } } },
    required: ["a"],
  };
  const body = { messages: [], output_config: { format: { type: "json_schema", schema } } };
  const { json_schema } = fieldsOf(toChat(body).body.response_format);
  assert.deepEqual(json_schema, { name: "answer", schema, strict: false });
});
