import type { Usage } from "../costs/usage.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { openAiError } from "./openai.error.ts";
import { missingCallId } from "./translate.answer.messages.ts";
import {
  addedEvents,
  closingEvents,
  type Kind,
  newItem,
  type OutputItem,
  openingEvent,
  shownItem,
} from "./translate.responses.output.ts";
import { endOf, type Progress, type ResponseIdentity, responseAt } from "./translate.responses.response.ts";
import { customTools } from "./translate.responses.tools.ts";
import { saidIn } from "./translate.said.ts";
import type { StreamTranslator } from "./translate.stream.ts";
import { SIGNED_BY_ANTHROPIC } from "./translate.thoughts.ts";
import { usageOfChat } from "./translate.usage.ts";

/** A response has an event of its own for what goes wrong. */
export type ResponseStream = StreamTranslator & {
  /** What ends the stream then; nothing if it has failed already. */
  fail(error: { readonly code: string; readonly message: string }): readonly Fields[];
};

/** Chunks of a chat completion → events of a response. Items come one after the other. */
export function chatStreamToResponse(about: ResponseIdentity): ResponseStream {
  const custom = customTools(about.asked);
  const callIds = new Map<unknown, string>();
  const output: Fields[] = [];
  let numbers = 0;
  let items = 0;
  let open: OutputItem | undefined;
  /** The provider's index of the open item, if it is a call. */
  let openCall: unknown;
  let hasFailed = false;
  let finishReason: string | undefined;
  let usage: Usage | undefined;

  function numbered(events: readonly Fields[]): readonly Fields[] {
    return events.map(({ type, ...fields }) => ({ type, sequence_number: numbers++, ...fields }));
  }

  function told(type: string, progress: Progress): Fields {
    return { type, response: responseAt(about, progress, { output: [...output], usage }) };
  }

  function begin(): readonly Fields[] {
    if (numbers > 0) return [];
    const begun = { status: "in_progress" } as const;
    return numbered([told("response.created", begun), told("response.in_progress", begun)]);
  }

  function close(status = "completed"): readonly Fields[] {
    if (open === undefined) return [];
    const closed = closingEvents(open, status);
    output.push(shownItem(open, status));
    open = undefined;
    return closed;
  }

  function start(kind: Kind, call?: OutputItem["call"]): readonly Fields[] {
    const closed = close();
    open = newItem(kind, about.id, items++, call);
    return [...closed, openingEvent(open)];
  }

  function say(kind: Kind, text: string): readonly Fields[] {
    const started = open?.kind === kind ? [] : start(kind);
    return [...started, ...addedEvents(open!, text)];
  }

  /** The last that is told of a thought. */
  function keep(detail: Fields): readonly Fields[] {
    const started = open?.kind === "thinking" ? [] : start("thinking");
    open!.kept = detail;
    return [...started, ...close()];
  }

  function call(given: Fields, position: number): readonly Fields[] {
    const { name, arguments: json } = fieldsOf(given.function);
    const index = given.index ?? position;
    const givenId = textOf(given.id);
    const knownId = callIds.get(index);
    const isNew = knownId === undefined || (givenId !== undefined && givenId !== knownId);
    if (!isNew && (open?.call === undefined || openCall !== index)) {
      return failed({ code: "server_error", message: "The provider mixed the arguments of two tool calls." });
    }
    const started = isNew ? startCall(index, givenId ?? missingCallId(about.id, items), name) : [];
    const text = textOf(json);
    return text === undefined ? started : [...started, ...addedEvents(open!, text)];
  }

  function startCall(index: unknown, id: string, name: unknown): readonly Fields[] {
    callIds.set(index, id);
    openCall = index;
    return start(custom.has(name) ? "custom" : "function", { id, name });
  }

  function failed(error: { readonly code: string; readonly message: string }): readonly Fields[] {
    hasFailed = true;
    return [{ type: "error", ...error, param: null }, told("response.failed", { status: "failed", error })];
  }

  function read(chunk: Fields): readonly Fields[] {
    const error = openAiError(chunk);
    if (error !== undefined) return failed({ code: error.code ?? "server_error", message: error.message });
    usage = usageOfChat(chunk) ?? usage;
    const choice = objectsOf(chunk.choices)[0] ?? {};
    finishReason = textOf(choice.finish_reason) ?? finishReason;
    const delta = fieldsOf(choice.delta);
    const events = [
      ...saidIn(delta).flatMap(({ kind, text }) => say(kind, text)),
      ...objectsOf(delta.reasoning_details).filter(isSigned).flatMap(keep),
    ];
    for (const [position, given] of objectsOf(delta.tool_calls).entries()) {
      if (!hasFailed) events.push(...call(given, position));
    }
    return events;
  }

  return {
    push(chunk) {
      if (hasFailed) return [];
      const begun = begin();
      return [...begun, ...numbered(read(chunk))];
    },
    end() {
      if (hasFailed || finishReason === undefined) return [];
      const end = endOf(finishReason);
      const closed = close(end.status);
      return numbered([...closed, told(`response.${end.status}`, end)]);
    },
    fail(error) {
      if (hasFailed) return [];
      const begun = begin();
      return [...begun, ...numbered(failed(error))];
    },
    get complete() {
      return !hasFailed && finishReason !== undefined;
    },
  };
}

function isSigned({ format, signature, data }: Fields): boolean {
  return format === SIGNED_BY_ANTHROPIC && (textOf(signature) ?? textOf(data)) !== undefined;
}
