import type { TollgateError } from "../lib/errors.ts";
import { type Fields, parsedObject } from "../providers/json.ts";
import { asErrorBody } from "../providers/openai.error.ts";
import { eventsIn } from "../providers/translate.sse.ts";
import type { ResponseStream } from "../providers/translate.stream.responses.ts";
import type { StreamTranslator } from "../providers/translate.stream.ts";
import type { StreamEvent } from "../providers/wire.ts";

/** Answers of a provider in the words of the client. */
export type AnswerTranslation = {
  whole(body: Buffer): Buffer;
  /** Whole events of the provider's stream → events of the client's. */
  push(events: Buffer): Buffer;
  /** What ends the client's stream; empty if the provider has not finished its own. */
  end(): Buffer;
  /** What ends it if the provider's breaks; undefined: the format's own event for an error. */
  fail(error: TollgateError): Buffer | undefined;
};

type Answers = {
  readonly whole: (answer: Fields) => Fields;
  readonly stream: StreamTranslator | ResponseStream;
  readonly bytesOf: (event: Fields) => Buffer;
  /** Undefined: the last event is the end. */
  readonly endMarker?: Buffer;
};

const NOTHING = Buffer.alloc(0);

export function answersBy({ whole, stream, bytesOf, endMarker = NOTHING }: Answers): AnswerTranslation {
  const written = (events: readonly Fields[]) => Buffer.concat(events.map(bytesOf));
  return {
    whole: (body) => Buffer.from(JSON.stringify(whole(parsedObject(body.toString()) ?? {}))),
    push: (events) => written(eventsIn(events).flatMap((event) => stream.push(wordsOf(event)))),
    end() {
      const said = stream.end();
      return stream.complete ? Buffer.concat([written(said), endMarker]) : NOTHING;
    },
    fail: ({ code, message }) => ("fail" in stream ? written(stream.fail({ code, message })) : undefined),
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
