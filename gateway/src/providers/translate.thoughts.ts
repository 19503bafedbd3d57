import { type Fields, fieldsOf, objectsOf, parsedObject, textOf } from "./json.ts";

/** The `format` of OpenRouter's `reasoning_details`: thoughts that Anthropic has signed, and takes back only so. */
export const SIGNED_BY_ANTHROPIC = "anthropic-claude-v1";

/** What the ids of our reasoning items begin with. */
export const THOUGHT_ID = "rs_tollgate_";
const SEAL = "tollgate_";

/**
 * What a provider must see again beside a thought, as the `encrypted_content` of its reasoning item: clients send it
 * back as it is. A thought that nothing was told of has a seal too, so that it is known for ours.
 */
export function sealed({ signature, data }: Fields): string {
  return SEAL + Buffer.from(JSON.stringify({ signature, data })).toString("base64url");
}

/**
 * A reasoning item of ours as a chat keeps it, in the words of OpenRouter's `reasoning_details`. Undefined for a
 * thought that its provider need not or cannot see again.
 */
export function reasoningDetail(item: Fields): Fields | undefined {
  const seal = textOf(item.encrypted_content);
  if (!seal?.startsWith(SEAL)) return undefined;
  const kept = parsedObject(Buffer.from(seal.slice(SEAL.length), "base64url").toString());
  const { signature, data } = fieldsOf(kept);
  const format = SIGNED_BY_ANTHROPIC;
  if (textOf(data) !== undefined) return { type: "reasoning.encrypted", data, format };
  if (textOf(signature) === undefined) return undefined;
  const text = objectsOf(item.summary)
    .map((part) => textOf(part.text) ?? "")
    .join("");
  return { type: "reasoning.text", text, signature, format };
}

/** OpenAI refuses reasoning that it has not sealed itself. Undefined: there is none of ours in the body. */
export function withoutOurThoughts(body: Fields): Fields | undefined {
  if (!Array.isArray(body.input) || !body.input.some(isOurThought)) return undefined;
  return { ...body, input: body.input.filter((item) => !isOurThought(item)) };
}

function isOurThought(item: unknown): boolean {
  const { type, id, encrypted_content: seal } = fieldsOf(item);
  if (type !== "reasoning") return false;
  return textOf(id)?.startsWith(THOUGHT_ID) === true || textOf(seal)?.startsWith(SEAL) === true;
}
