import { anthropicMetered, merged } from "./anthropic.usage.ts";
import { type Fields, fieldsOf, textOf } from "./json.ts";
import { type ChatIdentity, refusalOf } from "./translate.answer.chat.ts";
import { finishOf } from "./translate.stops.ts";
import type { StreamTranslator } from "./translate.stream.ts";
import { SIGNED_BY_ANTHROPIC } from "./translate.thoughts.ts";
import { chatUsage } from "./translate.usage.ts";

export type ChatStream = ChatIdentity & {
  /** The client asked for the chunk of the usage. */
  readonly includeUsage: boolean;
  /** Tells what Anthropic must see again beside a thought, in OpenRouter's `reasoning_details`. */
  readonly keepsThoughts?: boolean;
};

/** A tool call that is being given. Its arguments may also stand in its start. */
type OpenCall = { readonly index: number; readonly input: Fields; hasArguments: boolean };

/** Events of Anthropic's messages → chunks of a chat completion. */
export function messagesStreamToChat(about: ChatStream): StreamTranslator {
  const { id, created, model, includeUsage, keepsThoughts = false } = about;
  const open = new Map<unknown, OpenCall>();
  let calls = 0;
  let state: "new" | "begun" | "told" | "failed" = "new";
  let isOver = false;
  let reported: Fields = {};
  let ending: Fields = {};

  function chunk(choices: readonly Fields[], usage?: Fields): Fields {
    const shown = includeUsage ? { usage: usage ?? null } : {};
    return { id, object: "chat.completion.chunk", created, model, choices, ...shown };
  }

  function delta(fields: Fields): readonly Fields[] {
    const isFirst = state === "new";
    state = "told";
    return [...(isFirst ? [role()] : []), choice(fields)];
  }

  function role(): Fields {
    return choice({ role: "assistant", content: "" });
  }

  function choice(fields: Fields): Fields {
    return chunk([{ index: 0, delta: fields, logprobs: null, finish_reason: null }]);
  }

  function fail(error: Fields): readonly Fields[] {
    state = "failed";
    const type = textOf(error.type) ?? "api_error";
    const code = textOf(fieldsOf(error.details).error_code) ?? type;
    const message = textOf(error.message) ?? "The provider gave no reason.";
    return [{ error: { message, type, param: null, code } }];
  }

  function begin(message: Fields): readonly Fields[] {
    if (state === "told") {
      return fail({ message: "The provider began a second answer in the middle of the first." });
    }
    reported = merged(reported, message.usage);
    const isFirst = state === "new";
    state = "begun";
    return isFirst ? [role()] : [];
  }

  function startBlock(index: unknown, block: Fields): readonly Fields[] {
    if (block.type === "text") return text("content", block.text);
    if (block.type === "thinking") {
      return [...text("reasoning_content", block.thinking), ...signed(block.signature)];
    }
    if (block.type === "redacted_thinking") return kept({ type: "reasoning.encrypted", data: block.data });
    if (block.type !== "tool_use") return [];
    const call = { index: calls++, input: fieldsOf(block.input), hasArguments: false };
    open.set(index, call);
    const named = { name: block.name, arguments: "" };
    return delta({ tool_calls: [{ index: call.index, id: block.id, type: "function", function: named }] });
  }

  function addToBlock(index: unknown, added: Fields): readonly Fields[] {
    if (added.type === "text_delta") return text("content", added.text);
    if (added.type === "thinking_delta") return text("reasoning_content", added.thinking);
    if (added.type === "signature_delta") return signed(added.signature);
    const call = open.get(index);
    const json = textOf(added.partial_json);
    if (added.type !== "input_json_delta" || call === undefined || json === undefined) return [];
    call.hasArguments = true;
    return given(call, json);
  }

  /** Clients parse the arguments: a call without any has an empty object. */
  function stopBlock(index: unknown): readonly Fields[] {
    const call = open.get(index);
    open.delete(index);
    return call === undefined || call.hasArguments ? [] : given(call, JSON.stringify(call.input));
  }

  function given(call: OpenCall, json: string): readonly Fields[] {
    return delta({ tool_calls: [{ index: call.index, function: { arguments: json } }] });
  }

  function text(field: string, value: unknown): readonly Fields[] {
    const said = textOf(value);
    return said === undefined ? [] : delta({ [field]: said });
  }

  function signed(signature: unknown): readonly Fields[] {
    return textOf(signature) === undefined ? [] : kept({ type: "reasoning.text", signature });
  }

  function kept(detail: Fields): readonly Fields[] {
    return keepsThoughts ? delta({ reasoning_details: [{ ...detail, format: SIGNED_BY_ANTHROPIC }] }) : [];
  }

  function endMessage(event: Fields): readonly Fields[] {
    reported = merged(reported, event.usage);
    ending = { ...ending, ...fieldsOf(event.delta) };
    return [];
  }

  return {
    push(event) {
      if (state === "failed" || isOver) return [];
      switch (event.type) {
        case "message_start":
          return begin(fieldsOf(event.message));
        case "content_block_start":
          return startBlock(event.index, fieldsOf(event.content_block));
        case "content_block_delta":
          return addToBlock(event.index, fieldsOf(event.delta));
        case "content_block_stop":
          return stopBlock(event.index);
        case "message_delta":
          return endMessage(event);
        case "message_stop":
          isOver = state !== "new";
          return [];
        case "error":
          return fail(fieldsOf(event.error));
        default:
          return [];
      }
    },
    end() {
      if (!isOver) return [];
      const refusal = text("refusal", refusalOf(ending));
      const { finish_reason, ...native } = finishOf(ending.stop_reason);
      const last = chunk([{ index: 0, delta: {}, logprobs: null, finish_reason, ...native }]);
      const usage = includeUsage ? anthropicMetered(reported)?.usage : undefined;
      return [...refusal, last, ...(usage === undefined ? [] : [chunk([], chatUsage(usage))])];
    },
    get complete() {
      return isOver;
    },
  };
}
