import type { Body } from "../costs/bound.fields.ts";
import { DEFAULT_OUTPUT_TOKENS } from "../costs/bound.ts";
import { type FieldFault, TollgateError } from "../lib/errors.ts";
import { type Fields, parsedObject } from "../providers/json.ts";
import { asErrorBody } from "../providers/openai.error.ts";
import { messagesAnswerToChat } from "../providers/translate.answer.chat.ts";
import { chatAnswerToMessages } from "../providers/translate.answer.messages.ts";
import { messagesToChat } from "../providers/translate.request.chat.ts";
import { chatToMessages } from "../providers/translate.request.messages.ts";
import { CHAT_DONE, chatChunkBytes, eventsIn, messagesEventBytes } from "../providers/translate.sse.ts";
import { messagesStreamToChat } from "../providers/translate.stream.chat.ts";
import { chatStreamToMessages } from "../providers/translate.stream.messages.ts";
import type { StreamTranslator } from "../providers/translate.stream.ts";
import type { StreamEvent } from "../providers/wire.ts";
import { chatFormat, type Format, messagesFormat } from "./formats.ts";
import type { AiRequest } from "./request.ts";

/** A request in the words of a provider that does not speak the client's format, and the way back for its answers. */
export type Translation = {
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;
  /** Fields that could not be said, fit for a header. */
  readonly dropped: readonly string[];
  readonly answers: (about: Answering) => AnswerTranslation;
};

/** What an answer says of itself: an id, when it was made (milliseconds since the epoch), which model gave it. */
export type Answering = { readonly id: string; readonly now: number; readonly model: string };

export type AnswerTranslation = {
  whole(body: Buffer): Buffer;
  /** Whole events of the provider's stream → events of the client's. */
  push(events: Buffer): Buffer;
  /** What ends the client's stream; empty if the provider has not finished its own. */
  end(): Buffer;
};

/** The format that a request in the other one can be translated to. */
export const translatedTo: ReadonlyMap<Format, Format> = new Map([
  [chatFormat, messagesFormat],
  [messagesFormat, chatFormat],
]);

/** Throws VALIDATION_FAILED where the other format has no words for what is asked. */
export function translation({ format, body, wantsUsage }: AiRequest, model: string): Translation {
  return format === chatFormat ? chatAsMessages(body, model, wantsUsage) : messagesAsChat(body, model);
}

function chatAsMessages(chat: Body, model: string, includeUsage: boolean): Translation {
  const asked = chatToMessages(chat, { model, defaultMaxTokens: DEFAULT_OUTPUT_TOKENS });
  if ("faults" in asked) throw untranslatable(asked.faults);
  return {
    body: asked.body,
    headers: { "anthropic-version": asked.version },
    dropped: asked.dropped,
    answers({ id, now, model: served }) {
      const about = { id: `chatcmpl-${id}`, created: Math.floor(now / 1000), model: served };
      return answersBy(
        (answer) => messagesAnswerToChat(answer, about),
        () => messagesStreamToChat({ ...about, includeUsage }),
        chatChunkBytes,
        CHAT_DONE,
      );
    },
  };
}

function messagesAsChat(messages: Body, model: string): Translation {
  const asked = messagesToChat(messages, { model });
  if ("faults" in asked) throw untranslatable(asked.faults);
  return {
    body: asked.body,
    headers: {},
    dropped: asked.dropped,
    answers({ id, model: served }) {
      const about = { id: `msg_${id}`, model: served };
      return answersBy(
        (answer) => chatAnswerToMessages(answer, about),
        () => chatStreamToMessages(about),
        messagesEventBytes,
        NOTHING,
      );
    },
  };
}

const NOTHING = Buffer.alloc(0);

function answersBy(
  whole: (answer: Fields) => Fields,
  newStream: () => StreamTranslator,
  bytesOf: (event: Fields) => Buffer,
  endMarker: Buffer,
): AnswerTranslation {
  const stream = newStream();
  return {
    whole: (body) => Buffer.from(JSON.stringify(whole(parsedObject(body.toString()) ?? {}))),
    push(events) {
      const said = eventsIn(events).flatMap((event) => stream.push(wordsOf(event)));
      return Buffer.concat(said.map(bytesOf));
    },
    end() {
      const said = stream.end().map(bytesOf);
      return stream.complete ? Buffer.concat([...said, endMarker]) : NOTHING;
    },
  };
}

/** Part of the answer may be lost in what cannot be read, so the client is told, as it would see it untranslated. */
function wordsOf(event: StreamEvent): Fields {
  const { data, fields } = event;
  const isRead = Object.keys(fields).length > 0 || parsedObject(data) !== undefined;
  if (isRead || data === "" || data.trim() === "[DONE]") return asErrorBody(event);
  const error = { type: "api_error", message: "The provider sent an event that cannot be read." };
  return { type: "error", error };
}

function untranslatable(faults: readonly FieldFault[]): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults });
}
