import { type Fields, fieldsOf, objectsOf } from "./json.ts";

/** A piece of what a chat model said, in a message or in a delta of one. */
export type Said = { readonly kind: "thinking" | "text" | "refusal"; readonly text: string };

/**
 * Thoughts come first. They have two names, of which servers that give both mean the same; Mistral gives thoughts and
 * text as parts of the content.
 */
export function saidIn(message: Fields): readonly Said[] {
  const thoughts = piece("thinking", message.reasoning_content ?? message.reasoning);
  const content = Array.isArray(message.content)
    ? objectsOf(message.content).flatMap(partsOf)
    : piece("text", message.content);
  return [...thoughts, ...content, ...piece("refusal", message.refusal)];
}

function partsOf(part: Fields): readonly Said[] {
  if (part.type !== "thinking") return piece("text", part.text);
  if (!Array.isArray(part.thinking)) return piece("thinking", part.thinking);
  return part.thinking.flatMap((inner) => piece("thinking", fieldsOf(inner).text));
}

function piece(kind: Said["kind"], text: unknown): readonly Said[] {
  return typeof text === "string" && text !== "" ? [{ kind, text }] : [];
}
