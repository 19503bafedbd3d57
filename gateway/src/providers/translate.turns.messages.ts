import { type Fields, fieldsOf, textOf } from "./json.ts";
import { imageSource } from "./translate.images.ts";
import { drop, dropOthers, type Losses, refuse } from "./translate.losses.ts";
import { SIGNED_BY_ANTHROPIC } from "./translate.thoughts.ts";
import { listOf, toolId, toolInput } from "./translate.tools.ts";

export type Turns = {
  /** Text blocks of all system and developer messages, in their order. */
  readonly system: readonly Fields[];
  /** User and assistant in turns: neighbours of one role are one turn, and results of tools are the user's. */
  readonly turns: readonly Fields[];
};

const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "refusal",
  "tool_calls",
  "tool_call_id",
  "function_call",
  "audio",
  "is_error",
  "annotations",
  "reasoning_details",
  "cache_control",
  "prompt_cache_breakpoint",
]);

/** The messages of a chat for Anthropic's messages. Text that is blank is left out: Anthropic refuses it. */
export function turnsForMessages(messages: unknown, losses: Losses): Turns {
  const system: Fields[] = [];
  const turns: { role: "user" | "assistant"; content: Fields[] }[] = [];
  for (const [index, message] of listOf(messages, "messages", losses).entries()) {
    const at: Place = { path: `messages[${index}]`, losses };
    dropOthers(losses, message, MESSAGE_FIELDS, "messages.");
    const role = message.role;
    if (role === "system" || role === "developer") {
      system.push(...marked(textsOf(message.content, at), message));
      continue;
    }
    const blocks = marked(blocksOf(message, at), message);
    if (blocks.length === 0) continue;
    const by = role === "assistant" ? "assistant" : "user";
    if (turns.at(-1)?.role === by) turns.at(-1)!.content.push(...blocks);
    else turns.push({ role: by, content: blocks });
  }
  return { system, turns };
}

type Place = { readonly path: string; readonly losses: Losses };

function blocksOf(message: Fields, at: Place): Fields[] {
  switch (message.role) {
    case "user":
      return partsOf(message.content, at).flatMap(([part, path]) => userBlocks(part, { ...at, path }));
    case "assistant":
      return assistantBlocks(message, at);
    case "tool":
      return [toolResult(message, at)];
    default:
      refuse(at.losses, `${at.path}.role`, "must be system, developer, user, assistant or tool");
      return [];
  }
}

function userBlocks(part: Fields, at: Place): Fields[] {
  if (part.type !== "image_url") return textBlocks(part, at);
  const { url } = fieldsOf(part.image_url);
  const source = imageSource(url);
  if (source === undefined) {
    const path = `${at.path}.image_url.url`;
    refuse(at.losses, path, "must be an http(s) URL or a base64 data URL of a JPEG, PNG, GIF or WebP");
  }
  return [{ type: "image", source, ...cacheMark(part) }];
}

function assistantBlocks(message: Fields, at: Place): Fields[] {
  for (const field of ["function_call", "audio"]) {
    if (message[field] != null) refuse(at.losses, `${at.path}.${field}`, "is not known to this model");
  }
  const thoughts = listOf(message.reasoning_details, `${at.path}.reasoning_details`, at.losses);
  const said = textsOf(message.content ?? message.refusal, at);
  const calls = listOf(message.tool_calls, `${at.path}.tool_calls`, at.losses).map((call, index) => {
    const { name, arguments: text } = fieldsOf(call.function);
    if (textOf(call.id) === undefined || typeof name !== "string") {
      refuse(at.losses, `${at.path}.tool_calls[${index}]`, "must be a call of a function, with its id");
    }
    return { type: "tool_use", id: toolId(textOf(call.id) ?? ""), name, input: toolInput(text) };
  });
  return [...thoughts.flatMap((detail) => thoughtBlocks(detail, at)), ...said, ...calls];
}

/** A thought as OpenRouter's chats keep it. Anthropic takes none that it has not signed. */
function thoughtBlocks({ type, format, text, signature, data }: Fields, { losses }: Place): Fields[] {
  const isSigned = format === SIGNED_BY_ANTHROPIC;
  if (isSigned && textOf(data) !== undefined) return [{ type: "redacted_thinking", data }];
  if (isSigned && textOf(signature) !== undefined && type === "reasoning.text") {
    return [{ type: "thinking", thinking: text ?? "", signature }];
  }
  drop(losses, "messages.reasoning_details");
  return [];
}

function toolResult(message: Fields, at: Place): Fields {
  if (textOf(message.tool_call_id) === undefined) {
    refuse(at.losses, `${at.path}.tool_call_id`, "must be the id of a tool call");
  }
  const content = partsOf(message.content, at).flatMap(([part, path]) => userBlocks(part, { ...at, path }));
  return {
    type: "tool_result",
    tool_use_id: toolId(textOf(message.tool_call_id) ?? ""),
    ...(content.length === 0 ? {} : { content }),
    ...(message.is_error === true ? { is_error: true } : {}),
  };
}

function textsOf(content: unknown, at: Place): Fields[] {
  return partsOf(content, at).flatMap(([part, path]) => textBlocks(part, { ...at, path }));
}

function textBlocks(part: Fields, at: Place): Fields[] {
  const text = part.type === "text" ? part.text : part.type === "refusal" ? part.refusal : undefined;
  if (typeof text !== "string") {
    refuse(
      at.losses,
      at.path,
      "must be text, or an image of the user or a tool: this model takes no audio and no files",
    );
    return [];
  }
  return text.trim() === "" ? [] : [{ type: "text", text, ...cacheMark(part) }];
}

/** The parts of a content, each with its path. */
function partsOf(content: unknown, at: Place): readonly (readonly [part: Fields, path: string])[] {
  const path = `${at.path}.content`;
  if (content == null) return [];
  if (typeof content === "string") return [[{ type: "text", text: content }, path]];
  return listOf(content, path, at.losses).map((part, index) => [part, `${path}[${index}]`]);
}

/** A mark on a whole message lies on its last block. */
function marked(blocks: Fields[], message: Fields): Fields[] {
  const last = blocks.at(-1);
  return last === undefined ? blocks : [...blocks.slice(0, -1), { ...last, ...cacheMark(message) }];
}

/** Where the cached prompt ends: Anthropic's own field, or OpenAI's, whose shortest time to live is half an hour. */
function cacheMark(part: Fields): Fields {
  if (part.cache_control != null) return { cache_control: part.cache_control };
  const breakpoint = part.prompt_cache_breakpoint;
  if (breakpoint == null) return {};
  const ttl = fieldsOf(breakpoint).ttl == null ? {} : { ttl: "1h" };
  return { cache_control: { type: "ephemeral", ...ttl } };
}
