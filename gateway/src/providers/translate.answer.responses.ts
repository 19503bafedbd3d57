import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import type { ResponseIdentity } from "./translate.responses.response.ts";
import { messagesStreamToChat } from "./translate.stream.chat.ts";
import { chatStreamToResponse, type ResponseStream } from "./translate.stream.responses.ts";
import { chained } from "./translate.stream.ts";

/** A whole chat completion as a response: what its stream would have ended with. */
export function chatAnswerToResponse(answer: Fields, about: ResponseIdentity): Fields {
  const stream = chatStreamToResponse(about);
  const [choice] = objectsOf(answer.choices);
  const { message, finish_reason: reason } = choice ?? { finish_reason: "content_filter" };
  const chunk = { delta: fieldsOf(message), finish_reason: reason ?? "stop" };
  stream.push({ ...answer, choices: [chunk] });
  return fieldsOf(stream.end().at(-1)?.response);
}

/** The same for a whole answer of Anthropic's messages. */
export function messagesAnswerToResponse(answer: Fields, about: ResponseIdentity): Fields {
  const stream = messagesStreamToResponse(about);
  const { content, stop_reason, stop_details, usage, ...message } = answer;
  const blocks = objectsOf(content).flatMap((block, index) => [
    { type: "content_block_start", index, content_block: block },
    { type: "content_block_stop", index },
  ]);
  const ended = { type: "message_delta", delta: { stop_reason, stop_details }, usage };
  for (const event of [{ type: "message_start", message }, ...blocks, ended, { type: "message_stop" }]) {
    stream.push(event);
  }
  return fieldsOf(stream.end().at(-1)?.response);
}

/** Events of Anthropic's messages → events of a response. */
export function messagesStreamToResponse(about: ResponseIdentity): ResponseStream {
  const chat = messagesStreamToChat({ ...about, includeUsage: true, keepsThoughts: true });
  return chained(chat, chatStreamToResponse(about));
}
