import type { Fields } from "./json.ts";
import { drop, noLosses, type Translated } from "./translate.losses.ts";
import { takesEffort } from "./translate.models.ts";
import type { MessagesToChatOptions } from "./translate.request.chat.ts";
import {
  type ChatToMessages,
  type ChatToMessagesOptions,
  chatToMessages,
} from "./translate.request.messages.ts";
import { chatFields } from "./translate.responses.fields.ts";
import { messagesOfItems, type Said } from "./translate.responses.items.ts";
import { plainMessages } from "./translate.responses.parts.ts";
import { samplingForChat } from "./translate.sampling.ts";

/**
 * OpenAI's responses as asked for, for a model behind chat completions of any server. A stream's `stream_options` are
 * left to the caller, who knows the provider.
 */
export function responsesToChat(body: Fields, { model }: MessagesToChatOptions): Translated {
  const losses = noLosses();
  const said = messagesOfItems(body, losses).map(({ message }) => message);
  const { reasoning_effort: effort, temperature, top_p, ...fields } = chatFields(body, losses);
  const messages = plainMessages(said, losses);
  const sampling = samplingForChat({ temperature, top_p }, model, losses);
  const isTaken = effort !== undefined && takesEffort(model);
  if (effort !== undefined && !isTaken) drop(losses, "reasoning.effort");
  if (losses.faults.length > 0) return { faults: losses.faults };
  const thought = isTaken ? { reasoning_effort: effort } : {};
  const chat = { model, messages, ...fields, ...thought, ...sampling };
  return { body: chat, dropped: [...losses.dropped] };
}

/** The same for a model that speaks Anthropic's messages. Thoughts that it has signed go back to it. */
export function responsesToMessages(body: Fields, options: ChatToMessagesOptions): ChatToMessages {
  const losses = noLosses();
  const said = messagesOfItems(body, losses);
  const chat = { messages: said.map(({ message }) => message), ...chatFields(body, losses) };
  if (losses.faults.length > 0) return { faults: losses.faults };
  const asked = chatToMessages(chat, options);
  if ("faults" in asked) {
    return { faults: asked.faults.map(({ path, message }) => ({ path: pathOf(path, said), message })) };
  }
  for (const name of asked.dropped) drop(losses, NAMES[name] ?? name);
  return { ...asked, dropped: [...losses.dropped] };
}

/** What responses call a field of a chat, where that differs. */
const NAMES: Readonly<Record<string, string>> = {
  messages: "input",
  response_format: "text.format",
  reasoning_effort: "reasoning.effort",
};

/** Where the client said what stands at a path of the chat. */
function pathOf(path: string, said: readonly Said[]): string {
  const [all, index, content] = /^messages\[(\d+)\](\.content)?/.exec(path) ?? [];
  if (all === undefined) return NAMES[path] ?? path;
  const from = said[Number(index)]!;
  const start = content === undefined ? from.path : from.contentPath;
  return start + path.slice(all.length).replace(".image_url.url", ".image_url");
}
