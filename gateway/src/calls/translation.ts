import type { Body } from "../costs/bound.fields.ts";
import { DEFAULT_OUTPUT_TOKENS } from "../costs/bound.ts";
import { TollgateError } from "../lib/errors.ts";
import { messagesAnswerToChat } from "../providers/translate.answer.chat.ts";
import { chatAnswerToMessages } from "../providers/translate.answer.messages.ts";
import {
  chatAnswerToResponse,
  messagesAnswerToResponse,
  messagesStreamToResponse,
} from "../providers/translate.answer.responses.ts";
import type { Translated } from "../providers/translate.losses.ts";
import { messagesToChat } from "../providers/translate.request.chat.ts";
import { chatToMessages } from "../providers/translate.request.messages.ts";
import { responsesToChat, responsesToMessages } from "../providers/translate.responses.request.ts";
import type { ResponseIdentity } from "../providers/translate.responses.response.ts";
import { CHAT_DONE, chatChunkBytes, namedEventBytes } from "../providers/translate.sse.ts";
import { messagesStreamToChat } from "../providers/translate.stream.chat.ts";
import { chatStreamToMessages } from "../providers/translate.stream.messages.ts";
import { chatStreamToResponse } from "../providers/translate.stream.responses.ts";
import { withoutOurThoughts } from "../providers/translate.thoughts.ts";
import { chatFormat, type Format, messagesFormat, responsesFormat } from "./formats.ts";
import type { AiRequest } from "./request.ts";
import { type AnswerTranslation, answersBy } from "./translation.answers.ts";

/** A request in the words of a provider that does not take it as it is, and the way back for its answers. */
export type Translation = {
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;
  /** Fields that could not be said, fit for a header. */
  readonly dropped: readonly string[];
  /** Undefined: they are the client's as they come. */
  readonly answers: ((about: Answering) => AnswerTranslation) | undefined;
};

/** What an answer says of itself: an id, when it was made (milliseconds since the epoch), which model gave it. */
export type Answering = { readonly id: string; readonly now: number; readonly model: string };

type Translate = (request: AiRequest, model: string) => Translation;

/** By the client's format, the formats that its requests can be translated to, the best first. */
const translators: ReadonlyMap<Format, ReadonlyMap<Format, Translate>> = new Map([
  [chatFormat, new Map([[messagesFormat, chatAsMessages]])],
  [messagesFormat, new Map([[chatFormat, messagesAsChat]])],
  [
    responsesFormat,
    new Map([
      [chatFormat, responsesAsChat],
      [messagesFormat, responsesAsMessages],
    ]),
  ],
]);

export function translatedTo(format: Format): readonly Format[] {
  return [...(translators.get(format)?.keys() ?? [])];
}

/** Throws VALIDATION_FAILED where the other format has no words for what is asked. */
export function translation(
  request: AiRequest,
  model: string,
  to: Format = translatedTo(request.format)[0]!,
): Translation {
  return translators.get(request.format)!.get(to)!(request, model);
}

/** For a provider that speaks the client's format, but does not take all that we said in it. Undefined: it does. */
export function purged({ format, body }: AiRequest): Translation | undefined {
  const taken = format === responsesFormat ? withoutOurThoughts(body) : undefined;
  if (taken === undefined) return undefined;
  return { body: taken, headers: {}, dropped: ["input.reasoning"], answers: undefined };
}

function chatAsMessages({ body, wantsUsage }: AiRequest, model: string): Translation {
  const asked = sayable(chatToMessages(body, { model, defaultMaxTokens: DEFAULT_OUTPUT_TOKENS }));
  return {
    ...asked,
    headers: { "anthropic-version": asked.version },
    answers({ id, now, model: served }) {
      const about = { id: `chatcmpl-${id}`, created: Math.floor(now / 1000), model: served };
      return answersBy({
        whole: (answer) => messagesAnswerToChat(answer, about),
        stream: messagesStreamToChat({ ...about, includeUsage: wantsUsage }),
        bytesOf: chatChunkBytes,
        endMarker: CHAT_DONE,
      });
    },
  };
}

function messagesAsChat({ body }: AiRequest, model: string): Translation {
  return {
    ...sayable(messagesToChat(body, { model })),
    headers: {},
    answers({ id, model: served }) {
      const about = { id: `msg_${id}`, model: served };
      return answersBy({
        whole: (answer) => chatAnswerToMessages(answer, about),
        stream: chatStreamToMessages(about),
        bytesOf: namedEventBytes,
      });
    },
  };
}

function responsesAsChat({ body }: AiRequest, model: string): Translation {
  return {
    ...sayable(responsesToChat(body, { model })),
    headers: {},
    answers(answering) {
      const about = responseFor(answering, body);
      return answersBy({
        whole: (answer) => chatAnswerToResponse(answer, about),
        stream: chatStreamToResponse(about),
        bytesOf: namedEventBytes,
      });
    },
  };
}

function responsesAsMessages({ body }: AiRequest, model: string): Translation {
  const asked = sayable(responsesToMessages(body, { model, defaultMaxTokens: DEFAULT_OUTPUT_TOKENS }));
  return {
    ...asked,
    headers: { "anthropic-version": asked.version },
    answers(answering) {
      const about = responseFor(answering, body);
      return answersBy({
        whole: (answer) => messagesAnswerToResponse(answer, about),
        stream: messagesStreamToResponse(about),
        bytesOf: namedEventBytes,
      });
    },
  };
}

function responseFor({ id, now, model }: Answering, asked: Body): ResponseIdentity {
  return { id, created: Math.floor(now / 1000), model, asked };
}

function sayable<T extends Translated>(asked: T): Extract<T, { body: Body }> {
  if ("faults" in asked) throw new TollgateError("VALIDATION_FAILED", { faults: asked.faults });
  return asked as Extract<T, { body: Body }>;
}
