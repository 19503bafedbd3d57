import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Request } from "./request.ts";

export type StreamsResult = {
  /** Streams that came to their `[DONE]`. */
  readonly completed: number;
  /** Events received, over all streams. */
  readonly events: number;
  /** Milliseconds from the request to the first event, one per stream that had one. */
  readonly firstEventMs: readonly number[];
  readonly errors: readonly string[];
};

type StreamsRun = {
  readonly request: Request;
  readonly count: number;
  /** Leaves each stream after so many events. */
  readonly leaveAfter?: number;
};

type Stream = {
  readonly events: number;
  readonly completed: boolean;
  readonly firstEventMs: number | undefined;
  readonly error: string | undefined;
};

const STREAMS_PER_MS = 10;
const SILENCE_MS = 20_000;
const EVENT = Buffer.from("data: ");
const DONE = Buffer.from("data: [DONE]");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
const CARRIED_BYTES = DONE.length - 1;

/**
 * Opens `count` streams, each on a connection of its own, and reads them to their end. Raw sockets: the client
 * must cost less than what it measures.
 */
export async function runStreams({ request, count, leaveAfter }: StreamsRun): Promise<StreamsResult> {
  const head = requestBytes(request);
  const running: Promise<Stream>[] = [];
  for (let i = 0; i < count; i++) {
    if (i > 0 && i % STREAMS_PER_MS === 0) await sleep(1);
    running.push(readStream(request.port, head, leaveAfter ?? Number.POSITIVE_INFINITY));
  }
  const streams = await Promise.all(running);
  return {
    completed: streams.filter((stream) => stream.completed).length,
    events: streams.reduce((sum, stream) => sum + stream.events, 0),
    firstEventMs: streams.map((stream) => stream.firstEventMs).filter((ms) => ms !== undefined),
    errors: streams.map((stream) => stream.error).filter((error) => error !== undefined),
  };
}

function requestBytes({ path, headers, body }: Request): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function readStream(port: number, request: string, leaveAfter: number): Promise<Stream> {
  return new Promise((resolve) => {
    const startedAt = performance.now();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let carried: Buffer = Buffer.alloc(0);
    let answered = false;
    let events = 0;
    let done = false;
    let firstEventMs: number | undefined;
    const finish = (error: string | undefined) => {
      socket.destroy();
      resolve({ events, completed: done, firstEventMs, error });
    };
    socket.setTimeout(SILENCE_MS, () => finish("silence"));
    socket.on("connect", () => socket.write(request));
    socket.on("data", (bytes: Buffer) => {
      const text = carried.length === 0 ? bytes : Buffer.concat([carried, bytes]);
      if (!answered && !text.includes("\r\n")) {
        carried = text;
        return;
      }
      if (!answered && !text.subarray(0, 13).equals(Buffer.from("HTTP/1.1 200 "))) {
        finish(text.toString("latin1").slice(0, 200));
        return;
      }
      answered = true;
      events += newEvents(text, carried.length);
      if (firstEventMs === undefined && events > 0) firstEventMs = performance.now() - startedAt;
      done ||= text.includes(DONE);
      if (events >= leaveAfter || (done && text.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)))
        finish(undefined);
      else carried = Buffer.from(text.subarray(-CARRIED_BYTES));
    });
    socket.on("error", (error) => finish(error.message));
    socket.on("close", () => finish("the connection closed early"));
  });
}

/** Beginnings of events that were not whole before the last `text.length - carried` bytes arrived. */
function newEvents(text: Buffer, carried: number): number {
  let count = 0;
  for (let at = text.indexOf(EVENT); at !== -1; at = text.indexOf(EVENT, at + EVENT.length)) {
    if (at + EVENT.length > carried) count++;
  }
  return count;
}
