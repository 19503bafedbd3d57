import type { Usage } from "../costs/usage.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { openAiError } from "./openai.error.ts";
import { type MessageIdentity, missingCallId } from "./translate.answer.messages.ts";
import { type Said, saidIn } from "./translate.said.ts";
import { stopOf } from "./translate.stops.ts";
import type { StreamTranslator } from "./translate.stream.ts";
import { messagesUsage, usageOfChat } from "./translate.usage.ts";

/** The block that is being given: blocks come one after the other. `call`: the provider's index of a tool call. */
type OpenBlock = { readonly index: number; readonly type: string; readonly call?: unknown };

/**
 * Chunks of a chat completion → events of Anthropic's messages. The input is not known before the end: a stream begins
 * with 0 and ends with the true counts. Thoughts have no signature.
 */
export function chatStreamToMessages({ id, model }: MessageIdentity): StreamTranslator {
  const callIds = new Map<unknown, string>();
  let calls = 0;
  let isBegun = false;
  let hasFailed = false;
  let block: OpenBlock | undefined;
  let blocks = 0;
  let refuses = false;
  let finishReason: string | undefined;
  let usage: Usage | undefined;

  function begin(): readonly Fields[] {
    if (isBegun) return [];
    isBegun = true;
    const message = { id, type: "message", role: "assistant", model, content: [] };
    const unknown = { stop_reason: null, stop_sequence: null, usage: messagesUsage(undefined) };
    return [{ type: "message_start", message: { ...message, ...unknown } }];
  }

  function closeBlock(): readonly Fields[] {
    if (block === undefined) return [];
    const closed = { type: "content_block_stop", index: block.index };
    block = undefined;
    return [closed];
  }

  function openBlock(content: Fields, call?: unknown): readonly Fields[] {
    const closed = closeBlock();
    block = { index: blocks++, type: String(content.type), call };
    return [...closed, { type: "content_block_start", index: block.index, content_block: content }];
  }

  function add(delta: Fields): Fields {
    return { type: "content_block_delta", index: block?.index, delta };
  }

  function say({ kind, text }: Said): readonly Fields[] {
    refuses ||= kind === "refusal";
    if (kind === "thinking") {
      const opened = block?.type === "thinking" ? [] : openBlock({ type: kind, thinking: "", signature: "" });
      return [...opened, add({ type: "thinking_delta", thinking: text })];
    }
    const opened = block?.type === "text" ? [] : openBlock({ type: "text", text: "" });
    return [...opened, add({ type: "text_delta", text })];
  }

  function call(given: Fields, position: number): readonly Fields[] {
    const { name, arguments: json } = fieldsOf(given.function);
    const index = given.index ?? position;
    const givenId = textOf(given.id);
    const knownId = callIds.get(index);
    const isNew = knownId === undefined || (givenId !== undefined && givenId !== knownId);
    if (!isNew && (block === undefined || block.call !== index)) {
      return fail("api_error", "The provider mixed the arguments of two tool calls.");
    }
    const opened = isNew ? openCall(index, givenId ?? missingCallId(id, calls), name) : [];
    const text = textOf(json);
    return text === undefined ? opened : [...opened, add({ type: "input_json_delta", partial_json: text })];
  }

  function openCall(index: unknown, callId: string, name: unknown): readonly Fields[] {
    callIds.set(index, callId);
    calls += 1;
    return openBlock({ type: "tool_use", id: callId, name, input: {} }, index);
  }

  function fail(type: string, message: string): readonly Fields[] {
    hasFailed = true;
    return [{ type: "error", error: { type, message } }];
  }

  return {
    push(event) {
      if (hasFailed) return [];
      const error = openAiError(event);
      if (error !== undefined) return fail(errorType(error.status, error.code), error.message);
      usage = usageOfChat(event) ?? usage;
      const choice = objectsOf(event.choices)[0] ?? {};
      finishReason = textOf(choice.finish_reason) ?? finishReason;
      const delta = fieldsOf(choice.delta);
      const events = [...begin(), ...saidIn(delta).flatMap(say)];
      for (const [position, given] of objectsOf(delta.tool_calls).entries()) {
        if (!hasFailed) events.push(...call(given, position));
      }
      return events;
    },
    end() {
      if (hasFailed || finishReason === undefined) return [];
      const reason = stopOf({ finishReason, callsTools: calls > 0, refuses });
      const delta = { stop_reason: reason, stop_sequence: null };
      return [
        ...closeBlock(),
        { type: "message_delta", delta, usage: messagesUsage(usage) },
        { type: "message_stop" },
      ];
    },
    get complete() {
      return !hasFailed && finishReason !== undefined;
    },
  };
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const OWN_TYPE = /^(invalid_request|not_found|rate_limit|overloaded|timeout|api)_error$/;

function errorType(status: number | undefined, code: string | undefined): string {
  if (code !== undefined && OWN_TYPE.test(code)) return code;
  return (status !== undefined && ERROR_TYPES[status]) || "api_error";
}
