import type { Fields } from "./json.ts";

const cached = { cache_control: { type: "ephemeral" } };
const schema = {
  $schema: "http://json-schema.org/draft-07/schema#",
  type: "object",
  properties: { file_path: { type: "string", description: "The absolute path to the file to read" } },
  required: ["file_path"],
  additionalProperties: false,
};

/** A turn of Claude Code in the middle of its work: what it sends to `/v1/messages?beta=true`. */
export const claudeCodeBody: Fields = {
  model: "claude-opus-4-6",
  max_tokens: 32_000,
  stream: true,
  system: [
    { type: "text", text: "You are Claude Code, Anthropic's official CLI for Claude.", ...cached },
    { type: "text", text: "You are an interactive agent that helps with software.\n# Tone", ...cached },
  ],
  metadata: { user_id: `user_${"0a".repeat(32)}_account__session_5f0c1b1e-4a1d-4a39-9a53-0e7f1d2b3c4d` },
  thinking: { type: "enabled", budget_tokens: 31_999 },
  output_config: { effort: "medium" },
  context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
  tools: [
    { name: "Read", description: "Reads a file.", input_schema: schema },
    { name: "Bash", description: "Runs a command.", input_schema: schema, eager_input_streaming: true },
  ],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "<system-reminder>Today is a day.</system-reminder>" },
        { type: "text", text: "What is in logo.png and in a.txt?", ...cached },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I should read both.", signature: "EqQBCg==" },
        { type: "text", text: "I'll read them." },
        { type: "tool_use", id: "toolu_01A", name: "Read", input: { file_path: "/logo.png" } },
        { type: "tool_use", id: "toolu_01B", name: "Read", input: { file_path: "/a.txt" } },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_01A",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
          ],
        },
        {
          type: "tool_result",
          tool_use_id: "toolu_01B",
          content: "File does not exist.",
          is_error: true,
          ...cached,
        },
        { type: "text", text: "Go on.", ...cached },
      ],
    },
  ],
};
