import { anthropicMetered } from "./anthropic.usage.ts";
import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { finishOf } from "./translate.stops.ts";
import { chatUsage } from "./translate.usage.ts";

export type ChatIdentity = {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  /** As the client asked for it. */
  readonly model: string;
};

/**
 * A whole answer of Anthropic's messages as a chat completion. Thoughts are `reasoning_content`; what tools of
 * Anthropic's own did is left out. Usage that was not told is left out.
 */
export function messagesAnswerToChat(answer: Fields, { id, created, model }: ChatIdentity): Fields {
  const blocks = objectsOf(answer.content);
  const text = joined(blocks, "text", "text");
  const thinking = joined(blocks, "thinking", "thinking");
  const calls = blocks.filter(({ type }) => type === "tool_use").map(toolCall);
  const usage = anthropicMetered(fieldsOf(answer.usage))?.usage;
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    refusal: refusalOf(answer) ?? null,
    ...(thinking === "" ? {} : { reasoning_content: thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [{ index: 0, message, logprobs: null, ...finishOf(answer.stop_reason) }],
    ...(usage === undefined ? {} : { usage: chatUsage(usage) }),
  };
}

/** Why the model refused, if it did and said so. Takes an answer, or the delta of a stream that ends one. */
export function refusalOf({ stop_reason: reason, stop_details: details }: Fields): string | undefined {
  const { explanation } = fieldsOf(details);
  return reason === "refusal" && typeof explanation === "string" ? explanation : undefined;
}

function joined(blocks: readonly Fields[], type: string, field: string): string {
  return blocks
    .filter((block) => block.type === type && typeof block[field] === "string")
    .map((block) => block[field])
    .join("");
}

function toolCall({ id, name, input }: Fields): Fields {
  return { id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } };
}
