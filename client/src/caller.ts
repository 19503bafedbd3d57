import { ApiPromise } from "./api-promise.ts";
import type { Credentials } from "./credentials.ts";
import {
  type Answer,
  addressOf,
  answersText,
  type Body,
  type Input,
  type Item,
  type Operation,
} from "./operations.ts";
import { type Page, PagePromise } from "./pages.ts";
import { readJson, readText } from "./read.ts";
import type { EventStream } from "./stream.tee.ts";
import { readStream, type StreamFormat } from "./stream.ts";
import {
  type Answered,
  type CallOptions,
  type Outgoing,
  type Reader,
  send,
  type Transport,
} from "./transport.ts";

/** How an operation is asked for. */
export type How = {
  /** Doing it twice is the same as doing it once, though it is a POST. */
  readonly isRepeatable?: boolean;
  /** It is for whoever is not signed in. */
  readonly isAnonymous?: boolean;
};

/** The ways to ask, typed by the table of operations. */
export type Caller = {
  request<O extends Operation>(
    operation: O,
    input: Input<O>,
    options?: CallOptions,
    how?: How,
  ): ApiPromise<Answer<O>>;
  list<O extends Operation>(operation: O, input: Input<O>, options?: CallOptions): PagePromise<Item<O>>;
  stream<T>(
    operation: Operation,
    body: Body<Operation>,
    format: StreamFormat,
    options?: CallOptions,
  ): ApiPromise<EventStream<T>>;
};

export function newCaller(transport: Transport, credentials: Credentials): Caller {
  function exchange<T>(
    operation: Operation,
    input: object,
    read: Reader<T>,
    options?: CallOptions,
    how: How = {},
  ) {
    const { isRepeatable, isAnonymous = false } = how;
    const outgoing: Outgoing = {
      ...addressOf(operation, input),
      operation,
      body: (input as { readonly body?: unknown }).body,
      isRepeatable,
      credentials: isAnonymous ? undefined : credentials,
    };
    return send(transport, outgoing, read, options);
  }

  const caller: Caller = {
    request: <O extends Operation>(operation: O, input: Input<O>, options?: CallOptions, how?: How) =>
      new ApiPromise(exchange(operation, input, readerOf(operation, input), options, how)),
    list<O extends Operation>(operation: O, input: Input<O>, options?: CallOptions): PagePromise<Item<O>> {
      const read = readJson as Reader<Page<Item<O>>>;
      const answered: Promise<Answered<Page<Item<O>>>> = exchange(operation, input, read, options);
      return new PagePromise(answered, (cursor) =>
        caller.list(operation, { ...input, query: { ...input.query, cursor } }, options),
      );
    },
    stream: <T>(operation: Operation, body: object, format: StreamFormat, options?: CallOptions) =>
      new ApiPromise(exchange(operation, { body }, readStream<T>(format, options?.signal), options)),
  };
  return caller;
}

function readerOf<O extends Operation>(operation: O, input: object): Reader<Answer<O>> {
  return (answersText(operation, input) ? readText : readJson) as Reader<Answer<O>>;
}
