import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import type { Answer } from "./simulated.answer.ts";
import type { Draft, Headers, SimulatedFormat } from "./simulated.format.ts";
import { named } from "./simulated.format.ts";
import { messageStream, messageUsage } from "./simulated.messages.stream.ts";
import type { Refusal } from "./simulated.models.ts";
import { conversation, invalid, type Refused, type Turn } from "./simulated.request.ts";

export const simulatedMessages: SimulatedFormat = {
  wire: "anthropic-messages",
  path: "/v1/messages",
  bills: true,
  idHeader: "request-id",
  idOf: (digest) => `msg_sim${digest}`,
  read(body, headers) {
    if (body.max_tokens == null) return invalid("max_tokens: Field required", "max_tokens");
    return read(body, headers);
  },
  whole: (draft) => ({
    ...messageOf(draft),
    content: blocksOf(draft),
    stop_reason: stops[draft.answer.end],
    ...(draft.usage === undefined ? {} : { usage: messageUsage(draft.usage) }),
  }),
  pieces: (draft) =>
    messageStream({
      message: messageOf(draft),
      blocks: blocksOf(draft),
      stopReason: stops[draft.answer.end],
      answer: draft.answer,
      usage: draft.usage,
    }),
  errorBody,
  errorPieces: (refusal, draft) => [named(errorBody(refusal, draft))],
};

/** Tells what a message would have as input, and bills nothing for it. */
export const simulatedCount: SimulatedFormat = {
  ...simulatedMessages,
  path: "/v1/messages/count_tokens",
  bills: false,
  read(body, headers) {
    const asked = read(body, headers);
    return "refusal" in asked ? asked : { ...asked, stream: false, maxTokens: 0 };
  },
  whole: ({ request }) => ({ input_tokens: request.promptTokens }),
};

/** The version that knows messages of the system and codes of errors, and no sampling parameters any more. */
const NEWER_VERSION = "2026-10-21";
const SAMPLING = ["temperature", "top_p", "top_k"];

function isNewer(headers: Headers): boolean {
  return (headers["anthropic-version"] ?? "") >= NEWER_VERSION;
}

function read(body: Fields, headers: Headers) {
  const { messages, system, tools } = body;
  if (!Array.isArray(messages) || messages.length === 0)
    return invalid("messages: Field required", "messages");
  const refused = isNewer(headers) ? refusedByNewer(body) : refusedByOlder(messages);
  if (refused !== undefined) return refused;
  const [tool] = objectsOf(tools);
  const instructions: readonly Turn[] = system == null ? [] : [{ from: "other", content: system }];
  return conversation(body, {
    turns: [...instructions, ...messages.map(turnOf)],
    caps: ["max_tokens"],
    toolName: tool?.name,
    format: fieldsOf(fieldsOf(body.output_config).format),
  });
}

function refusedByNewer(body: Fields): Refused | undefined {
  const sampling = SAMPLING.find((name) => body[name] != null);
  return sampling === undefined
    ? undefined
    : invalid(`${sampling}: Extra inputs are not permitted`, sampling);
}

function refusedByOlder(messages: readonly unknown[]): Refused | undefined {
  const isKnown = ({ role }: Fields): boolean => role === "user" || role === "assistant";
  return messages.map(fieldsOf).every(isKnown)
    ? undefined
    : invalid('messages: Input should be "user" or "assistant"', "messages");
}

function turnOf(message: unknown): Turn {
  const { role, content } = fieldsOf(message);
  if (role !== "user") return { from: "other", content };
  return { from: objectsOf(content).some(({ type }) => type === "tool_result") ? "tool" : "user", content };
}

const stops = { whole: "end_turn", length: "max_tokens", tool: "tool_use" } as const satisfies Record<
  Answer["end"],
  string
>;

function messageOf({ id, request }: Draft): Fields {
  return {
    id,
    type: "message",
    role: "assistant",
    model: request.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

function blocksOf({ id, answer }: Draft): readonly Fields[] {
  const text = answer.tokens.join("");
  const thinking = { type: "thinking", thinking: "", signature: Buffer.from(id).toString("base64") };
  const said =
    answer.tool === undefined
      ? { type: "text", text }
      : { type: "tool_use", id: `toolu_${id.slice(-16)}`, name: answer.tool, input: inputOf(answer, text) };
  return answer.reasoningTokens > 0 ? [thinking, said] : [said];
}

/** Half an object is none. */
function inputOf({ end }: Answer, json: string): unknown {
  return end === "length" ? {} : JSON.parse(json);
}

const errorTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  404: "not_found_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** OpenAI's word for an empty purse, in Anthropic's. */
const errorCodes: Readonly<Record<string, string>> = { insufficient_quota: "enforced_spend_limit_reached" };

function errorBody(
  { status, message, code }: Refusal,
  { id, headers }: { readonly id: string; readonly headers: Headers },
) {
  const details =
    isNewer(headers) && code !== null ? { details: { error_code: errorCodes[code] ?? code } } : {};
  const error = { type: errorTypes[status] ?? "api_error", message, ...details };
  return { type: "error", error, request_id: id };
}
