import { brokenOff } from "./attempt.ts";
import { evidenceIn, isObject, jsonOf } from "./errors.evidence.ts";
import { parseTollgateError } from "./errors.parse.ts";
import { TollgateError, unreadableAnswer } from "./errors.ts";
import { chunksOf } from "./read.ts";
import { serverSentEvents } from "./sse.ts";
import { type EventStream, eventStream } from "./stream.tee.ts";
import type { Reader } from "./transport.ts";

/** What the events of a stream are like. */
export type StreamFormat = {
  /** Which event says that the stream is complete. */
  readonly isEnd: (event: { readonly data: string; readonly json: unknown }) => boolean;
  /** Names of the format's own events, "" for none. What events of other names hold need not be readable. */
  readonly names: RegExp;
};

const DONE = "[DONE]";

/** Reads a stream of JSON events. An error event, a damaged one, or an end without the mark of one, is thrown. */
export function readStream<T>(
  { isEnd, names }: StreamFormat,
  signal: AbortSignal | undefined,
): Reader<EventStream<T>> {
  return async (response, watch) => {
    const { headers } = response;
    const type = typeOf(response);
    if (type !== "text/event-stream") {
      watch.abort();
      throw unreadableAnswer(response, `The answer is ${type}, not a stream of events.`);
    }
    let isLeft = false;
    async function* events(): AsyncGenerator<T> {
      let isComplete = false;
      try {
        for await (const { event = "", data } of serverSentEvents(chunksOf(response, watch))) {
          const json = jsonOf(data);
          if (event === "error" || hasError(json)) throw parseTollgateError(json, { headers });
          isComplete ||= isEnd({ data, json });
          if (isObject(json)) yield json as T;
          else if (data.trim() !== "" && data !== DONE && names.test(event))
            throw unreadableAnswer(response, "An event of the stream is not JSON.");
        }
        if (!isComplete) throw brokenOff(watch, undefined);
      } catch (thrown) {
        if (isLeft) return;
        if (signal?.aborted) throw signal.reason;
        throw thrown instanceof TollgateError ? thrown : brokenOff(watch, thrown);
      } finally {
        if (isComplete) watch.stop();
        else watch.abort();
      }
    }
    const abort = (): void => {
      isLeft = true;
      watch.abort();
    };
    return eventStream(events(), abort);
  };
}

function typeOf({ headers }: Response): string {
  const type = headers.get("content-type")?.split(";")[0] ?? "";
  return type.trim().toLowerCase() || "of no type";
}

function hasError(json: unknown): boolean {
  return (
    isObject(json) && (Boolean(json.error) || json.type === "error") && evidenceIn(json).said !== undefined
  );
}
