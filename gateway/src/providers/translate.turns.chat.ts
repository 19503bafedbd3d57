import { type Fields, fieldsOf } from "./json.ts";
import { imagePart } from "./translate.images.ts";
import { drop, type Losses, refuse } from "./translate.losses.ts";
import { listOf } from "./translate.tools.ts";

/**
 * System, user and assistant turns of messages as the messages of a chat. Texts of one turn are one text, a blank
 * line between them; results of tools are messages of their own and come first, as the chat wants them right after
 * their calls.
 */
export function turnsForChat(body: Fields, losses: Losses): readonly Fields[] {
  const system = textsOf(body.system, { path: "system", losses });
  const turns = listOf(body.messages, "messages", losses).flatMap((message, index) => {
    const at: Place = { path: `messages[${index}]`, losses };
    if (message.role === "user") return userMessages(message.content, at);
    if (message.role === "assistant") return assistantMessages(message.content, at);
    if (message.role === "system") return systemMessages(textsOf(message.content, contentOf(at)));
    refuse(losses, `${at.path}.role`, "must be user, assistant or system");
    return [];
  });
  return [...systemMessages(system), ...turns];
}

type Place = { readonly path: string; readonly losses: Losses };

function contentOf(at: Place): Place {
  return { ...at, path: `${at.path}.content` };
}

function systemMessages(texts: readonly string[]): readonly Fields[] {
  return texts.length === 0 ? [] : [{ role: "system", content: joined(texts) }];
}

function userMessages(content: unknown, at: Place): readonly Fields[] {
  const results: Fields[] = [];
  const parts: Fields[] = [];
  for (const [block, path] of blocksOf(content, contentOf(at))) {
    const place = { ...at, path };
    if (block.type === "tool_result") {
      const result = resultParts(block, place);
      results.push(toolMessage(block, result.filter(isText).map(textOf), result.length));
      parts.push(...result.filter((part) => !isText(part)));
    } else {
      parts.push(...userParts(block, place));
    }
  }
  return parts.length === 0 ? results : [...results, { role: "user", content: chatContent(parts) }];
}

function resultParts(block: Fields, at: Place): readonly Fields[] {
  if (typeof block.tool_use_id !== "string") {
    refuse(at.losses, `${at.path}.tool_use_id`, "must be the id of a tool use");
  }
  return blocksOf(block.content, contentOf(at)).flatMap(([part, path]) => userParts(part, { ...at, path }));
}

/** Chats have no sign for a failed tool, and no images in its result: those follow as the user's. */
function toolMessage(block: Fields, texts: readonly string[], parts: number): Fields {
  const said = texts.length < parts ? [...texts, "The image is in the next message."] : texts;
  const text = joined(said);
  const failed = block.is_error === true && !/error/i.test(text.slice(0, 200));
  return {
    role: "tool",
    tool_call_id: block.tool_use_id,
    content: failed ? `Error: ${text}` : text,
  };
}

function userParts(block: Fields, at: Place): readonly Fields[] {
  if (block.type !== "image") return textParts(block, at);
  const part = imagePart(block.source);
  if (part !== undefined) return [part];
  refuse(
    at.losses,
    `${at.path}.source`,
    "must be base64 or a URL: this model cannot open files of Anthropic's",
  );
  return [];
}

function assistantMessages(content: unknown, at: Place): readonly Fields[] {
  const texts: string[] = [];
  const calls: Fields[] = [];
  for (const [block, path] of blocksOf(content, contentOf(at))) {
    if (block.type === "thinking" || block.type === "redacted_thinking") drop(at.losses, "thinking");
    else if (block.type === "tool_use") calls.push(toolCall(block, { ...at, path }));
    else texts.push(...textParts(block, { ...at, path }).map(textOf));
  }
  if (texts.length === 0 && calls.length === 0) return [];
  const said = texts.length === 0 ? null : joined(texts);
  return [{ role: "assistant", content: said, ...(calls.length === 0 ? {} : { tool_calls: calls }) }];
}

function toolCall({ id, name, input }: Fields, at: Place): Fields {
  if (typeof id !== "string" || typeof name !== "string") {
    refuse(at.losses, at.path, "must have the id and the name of a tool");
  }
  return { id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function textsOf(content: unknown, at: Place): readonly string[] {
  return blocksOf(content, at).flatMap(([block, path]) => textParts(block, { ...at, path }).map(textOf));
}

function textParts({ type, text }: Fields, at: Place): readonly Fields[] {
  if (type === "text" && typeof text === "string") return text === "" ? [] : [{ type, text }];
  refuse(
    at.losses,
    at.path,
    "cannot be said to this model, which takes texts, images, tool uses and results",
  );
  return [];
}

/** The blocks of a content, each with its path. */
function blocksOf(content: unknown, at: Place): readonly (readonly [block: Fields, path: string])[] {
  if (typeof content === "string") return [[{ type: "text", text: content }, at.path]];
  return listOf(content, at.path, at.losses).map((block, index) => {
    if (block.cache_control != null) drop(at.losses, "cache_control");
    if (block.citations != null) drop(at.losses, "citations");
    return [block, `${at.path}[${index}]`];
  });
}

/** One text where there is nothing else: not every server takes parts. */
function chatContent(parts: readonly Fields[]): unknown {
  return parts.every(isText) ? joined(parts.map(textOf)) : parts;
}

function joined(texts: readonly string[]): string {
  return texts.join("\n\n");
}

function isText(part: Fields): boolean {
  return part.type === "text";
}

function textOf(part: Fields): string {
  return String(fieldsOf(part).text);
}
