import { type Fields, fieldsOf } from "./json.ts";
import type { Refusal } from "./simulated.models.ts";

/** What the simulated provider reads of a request, in whatever format it comes. */
export type SimulatedRequest = {
  readonly model: string;
  readonly stream: boolean;
  /** What an echo says: the last user message or tool result. */
  readonly text: string;
  /** The last word is the result of a tool. */
  readonly hasResult: boolean;
  /** Per message 4, and one per 4 UTF-8 bytes of its text; 85 per image; one per 4 bytes of the tools' JSON. */
  readonly promptTokens: number;
  /** Per choice, reasoning included. */
  readonly maxTokens: number;
  readonly choices: number;
  readonly toolName: string | undefined;
  /** Of structured output, which the answer has to fit. */
  readonly schema?: Fields | undefined;
  /** Everything that was said, for what only one format knows. */
  readonly body: Fields;
};

export type Refused = { readonly refusal: Refusal };

/** One message of the conversation, as its format has it. */
export type Turn = { readonly from: "user" | "tool" | "other"; readonly content: unknown };

type Told = {
  readonly turns: readonly Turn[];
  /** Fields that limit the output. */
  readonly caps: readonly string[];
  readonly toolName: unknown;
  /** What says how the answer is to look, `{ type: "json_schema", schema }`. */
  readonly format: Fields;
  readonly choices?: number;
};

/** The most one choice may be asked for, and what is meant if nothing is asked. */
const MAX_OUTPUT_TOKENS = 16_384;

export function conversation(body: Fields, { turns, caps, toolName, format, choices = 1 }: Told) {
  const limits = caps.map((name) => body[name]).filter((cap) => cap != null);
  if (!limits.every(isPositiveInteger)) {
    return invalid("The output limit is not a positive integer.", caps[0]);
  }
  const tools = Array.isArray(body.tools) ? body.tools : [];
  return modelled(body, {
    stream: body.stream === true,
    text: textOf(turns.findLast(({ from }) => from !== "other")?.content),
    hasResult: turns.at(-1)?.from === "tool",
    promptTokens:
      turns.reduce((sum, turn) => sum + turnTokens(turn), 0) +
      (tools.length === 0 ? 0 : quarter(JSON.stringify(tools))),
    maxTokens: Math.min(MAX_OUTPUT_TOKENS, ...limits),
    choices,
    toolName: typeof toolName === "string" ? toolName : undefined,
    schema: format.schema === undefined ? undefined : fieldsOf(format.schema),
  });
}

/** With the model's name, without which nothing is answered. */
export function modelled(
  body: Fields,
  asked: Omit<SimulatedRequest, "model" | "body">,
): SimulatedRequest | Refused {
  const { model } = body;
  if (typeof model !== "string" || model === "") return invalid("You must provide a model.", "model");
  return { model, ...asked, body };
}

export function invalid(message: string, param?: string): Refused {
  const refusal = { status: 400, type: "invalid_request_error", code: null, message };
  return { refusal: param === undefined ? refusal : { ...refusal, param } };
}

export function isPositiveInteger(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The parts of a message, those inside results of tools among them. */
export function partsOf(content: unknown): readonly Fields[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) return [];
  return content
    .map(fieldsOf)
    .flatMap((part) => (part.type === "tool_result" ? partsOf(part.content) : [part]));
}

export function quarter(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

const IMAGES: ReadonlySet<unknown> = new Set(["image_url", "image", "input_image"]);

function turnTokens({ content }: Turn): number {
  const images = partsOf(content).filter(({ type }) => IMAGES.has(type)).length;
  return 4 + quarter(textOf(content)) + 85 * images;
}

function textOf(content: unknown): string {
  return partsOf(content)
    .map(({ text }) => text)
    .filter((text) => typeof text === "string")
    .join("\n");
}
