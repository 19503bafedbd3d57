import { type Body, isGiven } from "../costs/bound.fields.ts";
import type { FieldFault } from "../lib/errors.ts";

const MOST_FAULTS = 10;

export function openAiMessageFaults(body: Body): readonly FieldFault[] {
  const faults: FieldFault[] = [];
  const { stream_options: streamOptions } = body;
  if (isGiven(streamOptions) && asObject(streamOptions) === undefined) {
    faults.push({ path: "stream_options", message: "must be an object" });
  }
  if (body.deferred === true) faults.push({ path: "deferred", message: "is not possible here" });
  return [...faults, ...messageFaults(body.messages)];
}

export function messagesFaults({ messages, max_tokens }: Body): readonly FieldFault[] {
  const faults = isGiven(max_tokens)
    ? []
    : [{ path: "max_tokens", message: "must be an integer of at least 1" }];
  return [...faults, ...messageFaults(messages)];
}

export function responsesFaults({ input, instructions }: Body): readonly FieldFault[] {
  if (typeof input === "string" || Array.isArray(input)) return [];
  if (!isGiven(input) && typeof instructions === "string") return [];
  return [{ path: "input", message: "must be a text or a list of items" }];
}

export function embeddingFaults({ input }: Body): readonly FieldFault[] {
  const isGivenRight = typeof input === "string" ? input !== "" : Array.isArray(input) && input.length > 0;
  return isGivenRight ? [] : [{ path: "input", message: "must be a text or a list of at least one" }];
}

function messageFaults(messages: unknown): readonly FieldFault[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    return [{ path: "messages", message: "must be a list of at least one message" }];
  }
  const faults: FieldFault[] = [];
  for (const [index, message] of messages.entries()) {
    const fields = asObject(message);
    if (fields === undefined) faults.push({ path: `messages[${index}]`, message: "must be an object" });
    else if (typeof fields.role !== "string") {
      faults.push({ path: `messages[${index}].role`, message: "must be a text" });
    }
    if (faults.length === MOST_FAULTS) break;
  }
  return faults;
}

export function asObject(value: unknown): Body | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
}
