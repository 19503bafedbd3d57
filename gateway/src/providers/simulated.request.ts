import { type Fields, fieldsOf, parsedObject } from "./json.ts";
import type { Refusal } from "./simulated.models.ts";

/** What the simulated provider reads of a chat request. */
export type ChatRequest = {
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly lastUserText: string;
  /** Per message 4, and one per 4 UTF-8 bytes of its text; 85 per image; one per 4 bytes of the tools' JSON. */
  readonly promptTokens: number;
  /** Per choice, reasoning included. */
  readonly maxTokens: number;
  readonly choices: number;
  readonly toolName: string | undefined;
};

/** The most one choice may be asked for, and what is meant if nothing is asked. */
const MAX_OUTPUT_TOKENS = 16_384;
const MAX_CHOICES = 16;

export function chatRequest(body: Buffer): ChatRequest | { readonly refusal: Refusal } {
  const request = parsedObject(body.toString());
  if (request === undefined) return invalid("The body is not a JSON object.");
  const { model, messages, n, stream } = request;
  if (typeof model !== "string" || model === "") return invalid("You must provide a model.", "model");
  if (!Array.isArray(messages) || messages.length === 0) return invalid("Messages are missing.", "messages");
  const caps = OUTPUT_CAPS.map((name) => request[name]).filter((cap) => cap != null);
  if (!caps.every(isPositiveInteger))
    return invalid("The output limit is not a positive integer.", "max_tokens");
  if (n != null && !(isPositiveInteger(n) && n <= MAX_CHOICES))
    return invalid("n is not between 1 and 16.", "n");
  if (request.stream_options != null && stream !== true) {
    return invalid("stream_options is only allowed when stream is true.", "stream_options");
  }
  const turns = messages.map(fieldsOf);
  const tools = Array.isArray(request.tools) ? request.tools : [];
  const toolName = fieldsOf(fieldsOf(tools[0]).function).name;
  return {
    model,
    stream: stream === true,
    includeUsage: fieldsOf(request.stream_options).include_usage === true,
    lastUserText: textOf(turns.findLast(({ role }) => role === "user")?.content),
    promptTokens:
      turns.reduce((sum, turn) => sum + turnTokens(turn), 0) +
      (tools.length === 0 ? 0 : quarter(JSON.stringify(tools))),
    maxTokens: Math.min(MAX_OUTPUT_TOKENS, ...caps),
    choices: n ?? 1,
    toolName: typeof toolName === "string" ? toolName : undefined,
  };
}

const OUTPUT_CAPS = ["max_completion_tokens", "max_tokens", "max_output_tokens"] as const;

function invalid(message: string, param?: string): { readonly refusal: Refusal } {
  const refusal = { status: 400, type: "invalid_request_error", code: null, message };
  return { refusal: param === undefined ? refusal : { ...refusal, param } };
}

function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function turnTokens(turn: Fields): number {
  const content = turn.content;
  const images = partsOf(content).filter((part) => part.type === "image_url").length;
  return 4 + quarter(textOf(content)) + 85 * images;
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return partsOf(content)
    .map((part) => part.text)
    .filter((text) => typeof text === "string")
    .join("\n");
}

function partsOf(content: unknown): readonly Fields[] {
  return Array.isArray(content) ? content.map(fieldsOf) : [];
}

function quarter(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
