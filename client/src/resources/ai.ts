import type { ApiPromise } from "../api-promise.ts";
import type { Caller } from "../caller.ts";
import { isObject } from "../errors.evidence.ts";
import type { Body } from "../operations.ts";
import type { EventStream } from "../stream.tee.ts";
import type { StreamFormat } from "../stream.ts";
import type { CallOptions } from "../transport.ts";
import type {
  ChatChunk,
  ChatCompletion,
  Embeddings,
  Message,
  ModelResponse,
  NamedEvent,
} from "./ai.answers.ts";

type ChatBody = Body<"POST /v1/chat/completions">;
type MessageBody = Body<"POST /v1/messages">;
type ResponseBody = Body<"POST /v1/responses">;

/** Chat completions, as OpenAI has them. */
export function chatResource(call: Caller) {
  return {
    create: (body: ChatBody, options?: CallOptions) =>
      call.request("POST /v1/chat/completions", { body }, options) as ApiPromise<ChatCompletion>,
    stream: (body: ChatBody, options?: CallOptions): ApiPromise<EventStream<ChatChunk>> =>
      call.stream("POST /v1/chat/completions", { ...body, stream: true }, chatFormat, options),
  };
}

/** Messages, as Anthropic has them. */
export function messagesResource(call: Caller) {
  return {
    create: (body: MessageBody, options?: CallOptions) =>
      call.request("POST /v1/messages", { body }, options) as ApiPromise<Message>,
    stream: (body: MessageBody, options?: CallOptions): ApiPromise<EventStream<NamedEvent>> =>
      call.stream("POST /v1/messages", { ...body, stream: true }, messageFormat, options),
    countTokens: (body: Body<"POST /v1/messages/count_tokens">, options?: CallOptions) =>
      call.request("POST /v1/messages/count_tokens", { body }, options, repeatable),
  };
}

/** Responses, as OpenAI has them. */
export function responsesResource(call: Caller) {
  return {
    create: (body: ResponseBody, options?: CallOptions) =>
      call.request("POST /v1/responses", { body }, options) as ApiPromise<ModelResponse>,
    stream: (body: ResponseBody, options?: CallOptions): ApiPromise<EventStream<NamedEvent>> =>
      call.stream("POST /v1/responses", { ...body, stream: true }, responseFormat, options),
  };
}

export function embeddingsResource(call: Caller) {
  return {
    create: (body: Body<"POST /v1/embeddings">, options?: CallOptions) =>
      call.request("POST /v1/embeddings", { body }, options) as ApiPromise<Embeddings>,
  };
}

export function modelsResource(call: Caller) {
  return {
    list: (options?: CallOptions) => call.request("GET /v1/models", {}, options),
    get: (model: string, options?: CallOptions) =>
      call.request("GET /v1/models/{model}", { path: { model } }, options),
  };
}

/** What a call would meet and cost. It uses nothing. */
export function decideResource(call: Caller) {
  return (body: Body<"POST /v1/decide">, options?: CallOptions) =>
    call.request("POST /v1/decide", { body }, options, repeatable);
}

const repeatable = { isRepeatable: true };

const chatFormat: StreamFormat = { isEnd: ({ data }) => data === "[DONE]", names: /^(message)?$/ };

const messageFormat: StreamFormat = {
  isEnd: ({ json }) => isObject(json) && json.type === "message_stop",
  names: /^$|^message|^content_block/,
};

const responseFormat: StreamFormat = {
  isEnd: ({ json }) => isObject(json) && /^response\.(completed|incomplete|failed)$/.test(String(json.type)),
  names: /^$|^response\./,
};
