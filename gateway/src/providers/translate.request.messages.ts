import { type Fields, objectsOf } from "./json.ts";
import { formatForMessages } from "./translate.format.ts";
import { dropOthers, type Losses, noLosses, refuse, type Translated } from "./translate.losses.ts";
import { claudeTraits } from "./translate.models.ts";
import { thinkingFor } from "./translate.reasoning.ts";
import { samplingForMessages, stopsForMessages } from "./translate.sampling.ts";
import { choiceForMessages, toolsForMessages } from "./translate.tools.ts";
import { turnsForMessages } from "./translate.turns.messages.ts";

/** The API version to ask for: the newer one knows no sampling parameters. */
export type MessagesVersion = "2023-06-01" | "2026-10-21";

export type ChatToMessages =
  | (Extract<Translated, { body: Fields }> & { readonly version: MessagesVersion })
  | Extract<Translated, { faults: unknown }>;

export type ChatToMessagesOptions = {
  /** Anthropic's name of it. */
  readonly model: string;
  /** For a chat that names no limit: messages must have one. */
  readonly defaultMaxTokens: number;
};

/** A chat completion as asked for, for a model that speaks Anthropic's messages. */
export function chatToMessages(chat: Fields, options: ChatToMessagesOptions): ChatToMessages {
  const losses = noLosses();
  const traits = claudeTraits(options.model);
  const { system, turns } = turnsForMessages(chat.messages, losses);
  if (turns.length === 0) refuse(losses, "messages", "must have a message of the user or the assistant");
  const tools = toolsForMessages(chat.tools, losses);
  const choice = choiceForMessages(chat, losses);
  const format = formatForMessages(chat.response_format, losses);
  const maxTokens = outputLimit(chat, losses) ?? options.defaultMaxTokens;
  const isBound = choice?.type === "any" || choice?.type === "tool" || mayNotThinkOn(turns);
  const thought = { effort: chat.reasoning_effort, traits, maxTokens, isBound };
  const { thinking, effort } = thinkingFor(thought, losses);
  const sampling = samplingForMessages(chat, { traits, thinks: thinking !== undefined }, losses);
  const stops = stopsForMessages(chat.stop, losses);
  const userId = chat.user ?? chat.safety_identifier;
  dropUnsaid(chat, losses);
  if (losses.faults.length > 0) return { faults: losses.faults };
  const body = {
    model: options.model,
    max_tokens: maxTokens,
    ...(system.length === 0 ? {} : { system }),
    messages: turns,
    ...(tools.length === 0 ? {} : { tools, ...(choice === undefined ? {} : { tool_choice: choice }) }),
    ...(stops.length === 0 ? {} : { stop_sequences: stops }),
    ...(thinking === undefined ? {} : { thinking }),
    ...(format === undefined && effort === undefined ? {} : { output_config: given({ effort, format }) }),
    ...sampling,
    ...(typeof userId === "string" ? { metadata: { user_id: userId } } : {}),
    ...(chat.stream === true ? { stream: true } : {}),
  };
  const version = Object.keys(sampling).length > 0 ? "2023-06-01" : "2026-10-21";
  return { body, dropped: [...losses.dropped], version };
}

const OUTPUT_LIMITS = ["max_completion_tokens", "max_tokens", "max_output_tokens"];

/** The smallest of all spellings, tokens. */
function outputLimit(chat: Fields, losses: Losses): number | undefined {
  let limit: number | undefined;
  for (const name of OUTPUT_LIMITS) {
    const value = chat[name];
    if (value == null) continue;
    if (!Number.isSafeInteger(value) || (value as number) < 0) refuse(losses, name, "must be a whole number");
    else limit = Math.min(limit ?? Number.POSITIVE_INFINITY, value as number);
  }
  return limit;
}

/** Results of tools are thought about only where the thought before their calls comes with them. */
function mayNotThinkOn(turns: readonly Fields[]): boolean {
  const hasResults = objectsOf(turns.at(-1)?.content).some(({ type }) => type === "tool_result");
  const [first] = objectsOf(turns.at(-2)?.content);
  return hasResults && first?.type !== "thinking" && first?.type !== "redacted_thinking";
}

const SAID: ReadonlySet<string> = new Set([
  ...OUTPUT_LIMITS,
  "model",
  "messages",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "response_format",
  "reasoning_effort",
  "temperature",
  "top_p",
  "stop",
  "user",
  "safety_identifier",
  "stream",
  "stream_options",
  "n",
  "functions",
  "function_call",
  "modalities",
  "audio",
]);

/** Values that ask for what a model does anyway. */
const IDLE: Readonly<Record<string, unknown>> = {
  frequency_penalty: 0,
  presence_penalty: 0,
  logprobs: false,
  top_logprobs: 0,
  store: false,
  service_tier: "auto",
  verbosity: "medium",
};

function dropUnsaid(chat: Fields, losses: Losses): void {
  if (chat.n != null && chat.n !== 1) refuse(losses, "n", "must be 1: this model gives one answer at a time");
  for (const name of ["functions", "function_call"]) {
    if (chat[name] != null) refuse(losses, name, "is not known to this model: use tools and tool_choice");
  }
  const speaks = Array.isArray(chat.modalities) && chat.modalities.some((modality) => modality !== "text");
  if (speaks || chat.audio != null) refuse(losses, "modalities", "must be text: this model does not speak");
  const rest = Object.entries(chat).filter(
    ([name, value]) => !Object.hasOwn(IDLE, name) || IDLE[name] !== value,
  );
  dropOthers(losses, Object.fromEntries(rest), SAID);
}

function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
