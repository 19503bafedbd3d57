import type Anthropic from "@anthropic-ai/sdk";
import type OpenAI from "openai";
import type { Variables } from "./server.ts";

/** What coding agents send, as they were seen to send it. The words are shorter. */

type CodexBody = OpenAI.Responses.ResponseCreateParamsStreaming;
type ClaudeCodeBody = Anthropic.Beta.MessageCreateParamsStreaming;

const session = "5f0c1b1e-4a1d-4a39-9a53-0e7f1d2b3c4d";
const shell = {
  type: "object",
  properties: {
    command: { type: "array", items: { type: "string" }, description: "The command to execute" },
    workdir: { type: "string", description: "The working directory" },
    timeout_ms: { type: "number", description: "The timeout in milliseconds" },
  },
  required: ["command"],
  additionalProperties: false,
};

export const codexHeaders: Variables = {
  accept: "text/event-stream",
  originator: "codex_cli_rs",
  session_id: session,
  "openai-beta": "responses=experimental",
};

/** A turn of Codex. Nothing is kept at the provider: what it reasoned comes back sealed with the next turn. */
export function codexTurn(
  model: string,
  earlier: readonly OpenAI.Responses.ResponseInputItem[] = [],
): CodexBody {
  const said = (role: "developer" | "user", text: string) => ({
    type: "message" as const,
    role,
    content: [{ type: "input_text" as const, text }],
  });
  return {
    model,
    instructions: "You are Codex, a coding agent that runs in a terminal.",
    input: [
      said("developer", "<permissions instructions>Commands run in a sandbox.</permissions instructions>"),
      said("user", "<environment_context>\n  <cwd>/home/ann/project</cwd>\n</environment_context>"),
      said("user", "Which files are here?"),
      ...earlier,
    ],
    tools: [
      { type: "function", name: "shell", description: "Runs a command.", strict: false, parameters: shell },
      {
        type: "custom",
        name: "apply_patch",
        description: "Edits files.",
        format: { type: "grammar", syntax: "lark", definition: 'start: "*** Begin Patch" /.+/' },
      },
      { type: "local_shell" },
    ],
    tool_choice: "auto",
    parallel_tool_calls: false,
    reasoning: { effort: "medium", summary: "auto" },
    store: false,
    stream: true,
    include: ["reasoning.encrypted_content"],
    prompt_cache_key: session,
    text: { verbosity: "medium" },
  };
}

export const claudeCodeBetas: ClaudeCodeBody["betas"] = [
  "claude-code-20250219",
  "interleaved-thinking-2025-05-14",
  "context-management-2025-06-27",
];

export const claudeCodeHeaders: Variables = { "anthropic-version": "2023-06-01", "x-app": "cli" };

const cached = { cache_control: { type: "ephemeral" as const } };

/** A turn of Claude Code. Its client adds `?beta=true`. */
export function claudeCodeTurn(
  model: string,
  earlier: readonly Anthropic.Beta.BetaMessageParam[] = [],
): ClaudeCodeBody {
  return {
    model,
    max_tokens: 32_000,
    stream: true,
    betas: claudeCodeBetas!,
    system: [
      { type: "text", text: "You are Claude Code, Anthropic's official CLI for Claude.", ...cached },
      { type: "text", text: "You are an interactive agent that helps with software.", ...cached },
    ],
    metadata: { user_id: `user_${"0a".repeat(32)}_account__session_${session}` },
    thinking: { type: "enabled", budget_tokens: 31_999 },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    tools: [
      {
        name: "Bash",
        description: "Runs a command.",
        input_schema: {
          type: "object",
          properties: { command: { type: "string" }, description: { type: "string" } },
          required: ["command"],
        },
      },
    ],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "<system-reminder>Today is a day.</system-reminder>" },
          { type: "text", text: "Which files are here?", ...cached },
        ],
      },
      ...earlier,
    ],
  };
}
