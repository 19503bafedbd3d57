import { brokenOff } from "./attempt.ts";
import { evidenceIn, isObject, jsonOf } from "./errors.evidence.ts";
import { parseTollgateError } from "./errors.parse.ts";
import { TollgateError } from "./errors.ts";
import { chunksOf } from "./read.ts";
import { serverSentEvents } from "./sse.ts";
import type { Reader } from "./transport.ts";

/** An answer as it is written. It can be iterated over once; leaving the loop ends the call. */
export type EventStream<T> = AsyncIterable<T> & {
  /** Ends the call; whoever iterates gets no more. */
  abort(): void;
  /** Two streams in place of this one, each with everything. The call ends when both have been left. */
  tee(): readonly [EventStream<T>, EventStream<T>];
};

/** By which event a stream says that it is complete. */
export type EndOf = (event: { readonly data: string; readonly json: unknown }) => boolean;

/** Reads a stream of JSON events. An error event, or an end without the mark of one, is thrown. */
export function readStream<T>(isEnd: EndOf, signal: AbortSignal | undefined): Reader<EventStream<T>> {
  return async (response, watch) => {
    let isLeft = false;
    async function* events(): AsyncGenerator<T> {
      let isComplete = false;
      try {
        for await (const { event, data } of serverSentEvents(watched(chunksOf(response), watch.touch))) {
          const json = jsonOf(data);
          const { headers } = response;
          if (event === "error" || hasError(json)) throw parseTollgateError(json, { headers });
          isComplete ||= isEnd({ data, json });
          if (json !== undefined) yield json as T;
        }
        if (!isComplete) throw brokenOff(watch, undefined);
      } catch (thrown) {
        if (isLeft) return;
        if (signal?.aborted) throw signal.reason;
        throw thrown instanceof TollgateError ? thrown : brokenOff(watch, thrown);
      } finally {
        watch.stop();
        if (!isComplete) watch.abort();
      }
    }
    const abort = (): void => {
      isLeft = true;
      watch.abort();
    };
    return eventStream(events(), abort);
  };
}

async function* watched(chunks: AsyncIterable<Uint8Array>, touch: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    touch();
    yield chunk;
  }
}

function hasError(json: unknown): boolean {
  return (
    isObject(json) && (Boolean(json.error) || json.type === "error") && evidenceIn(json).said !== undefined
  );
}

function eventStream<T>(source: AsyncGenerator<T>, abort: () => void): EventStream<T> {
  return { [Symbol.asyncIterator]: () => source, abort, tee: () => tee(source, abort) };
}

function tee<T>(source: AsyncGenerator<T>, abort: () => void): readonly [EventStream<T>, EventStream<T>] {
  const waiting: [IteratorResult<T>[], IteratorResult<T>[]] = [[], []];
  const isLeft = [false, false];
  /** Both read the source in turns: whoever has nothing waiting asks for the next, for both. */
  let asking: Promise<void> = Promise.resolve();

  async function* branch(side: 0 | 1): AsyncGenerator<T> {
    try {
      for (;;) {
        asking = asking.then(async () => {
          if (waiting[side].length > 0) return;
          const next = await source.next();
          for (const both of waiting) both.push(next);
        });
        await asking;
        const { done, value } = waiting[side].shift()!;
        if (done) return;
        yield value as T;
      }
    } finally {
      isLeft[side] = true;
      if (isLeft[0] && isLeft[1]) abort();
    }
  }

  return [eventStream(branch(0), abort), eventStream(branch(1), abort)];
}
