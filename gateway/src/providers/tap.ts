import type { Usage } from "../costs/usage.ts";
import { parsedObject } from "./json.ts";
import { openAiError, type ProviderError } from "./openai.error.ts";
import { usageIn } from "./openai.usage.ts";
import { scanEvents } from "./tap.scan.ts";

/**
 * Watches an OpenAI chat stream go by. Bytes pass unchanged, in whole events, except that the usage event which the
 * client did not ask for is taken out and everything from the end marker `[DONE]` on is held back, so that the caller
 * can settle before it says the end.
 */
export type StreamTap = {
  /** The bytes that may go to the client now, if any. */
  push(chunk: Buffer): Buffer | undefined;
  /** The end marker was seen; nothing more will be let through. */
  readonly complete: boolean;
  /** What was seen. To be called once, when the stream has ended, broken or been left. */
  finish(): StreamEnd;
};

export type StreamEnd = {
  /** A last event that was not closed by an empty line; may go to the client before `tail`. Empty as a rule. */
  readonly rest: Buffer;
  /** The held end marker and what followed it. Empty if none came. */
  readonly tail: Buffer;
  readonly complete: boolean;
  /** The last usage reported. Undefined also after an event that was too long to be read. */
  readonly usage: Usage | undefined;
  /** UTF-8 bytes of text and tool arguments that passed: what an estimate is made of. See `Scan.textBytes`. */
  readonly textBytes: number;
  /** The first error event. It has passed to the client like any other event. */
  readonly error: ProviderError | undefined;
  /** A finish_reason was seen. */
  readonly finished: boolean;
};

/** An event that is longer is not read: it and everything after it passes as it comes. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** `hideUsage`: take out the events with `choices: []` and a usage. */
export function streamTap({ hideUsage }: { readonly hideUsage: boolean }): StreamTap {
  const unfinished = new Gathering();
  const tail = new Gathering();
  let blind = false;
  let complete = false;
  let usage: Usage | undefined;
  let textBytes = 0;
  let error: ProviderError | undefined;
  let finished = false;

  /** Reads whole events; answers which of their bytes pass. */
  function read(events: Buffer): Buffer {
    const scan = scanEvents(events);
    if (scan.plain) {
      textBytes += scan.textBytes;
      finished ||= scan.finished;
      return events;
    }
    const passing: Buffer[] = [];
    for (const event of eachEvent(events)) {
      if (complete || isDone(event)) {
        complete = true;
        tail.add(event);
      } else if (!readEvent(event)) {
        passing.push(event);
      }
    }
    return passing.length === 1 ? passing[0]! : Buffer.concat(passing);
  }

  /** True if the event is to be hidden. */
  function readEvent(event: Buffer): boolean {
    const scan = scanEvents(event);
    textBytes += scan.textBytes;
    finished ||= scan.finished;
    if (scan.plain) return false;
    const answer = parsedObject(dataOf(event));
    if (answer === undefined) return false;
    usage = usageIn(answer) ?? usage;
    error ??= openAiError(isErrorEvent(event) && answer.error === undefined ? { error: answer } : answer);
    return hideUsage && Array.isArray(answer.choices) && answer.choices.length === 0 && answer.usage != null;
  }

  return {
    push(chunk) {
      if (blind) return chunk;
      if (complete) {
        if (tail.length < MAX_EVENT_BYTES) tail.add(chunk);
        return undefined;
      }
      const before = unfinished.length;
      const bytes = before === 0 ? chunk : unfinished.add(chunk);
      const end = endOfLastEvent(bytes, before);
      if (end === 0 && bytes.length > MAX_EVENT_BYTES) {
        blind = true;
        usage = undefined;
        unfinished.take();
        return bytes;
      }
      if (end === 0) {
        if (before === 0) unfinished.add(chunk);
        return undefined;
      }
      unfinished.take();
      const passing = read(end === bytes.length ? bytes : bytes.subarray(0, end));
      if (end < bytes.length) (complete ? tail : unfinished).add(bytes.subarray(end));
      return passing.length === 0 ? undefined : passing;
    },
    get complete() {
      return complete;
    },
    finish() {
      const rest = read(unfinished.take());
      return { rest, tail: tail.take(), complete, usage, textBytes, error, finished };
    },
  };
}

/** Bytes added one after the other, in one buffer that doubles, so that adding n bytes costs n. */
class Gathering {
  #buffer = Buffer.alloc(0);
  length = 0;

  /** Everything gathered so far. */
  add(bytes: Buffer): Buffer {
    const length = this.length + bytes.length;
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.length);
      this.#buffer = larger;
    }
    bytes.copy(this.#buffer, this.length);
    this.length = length;
    return this.#buffer.subarray(0, length);
  }

  /** Everything, leaving nothing. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = Buffer.alloc(0);
    this.length = 0;
    return taken;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** Whether the line end at `at` closes an empty line, and with it the event that began at `start`. */
function closesEvent(bytes: Buffer, start: number, at: number): boolean {
  if (bytes[at] !== LF) return false;
  const lineEnd = bytes[at - 1] === CR && at > start ? at - 1 : at;
  return lineEnd === start || bytes[lineEnd - 1] === LF;
}

/** Where the last whole event ends; 0 if none ends at or after `from`. */
function endOfLastEvent(bytes: Buffer, from: number): number {
  for (let at = bytes.length - 1; at >= from; at--) {
    if (closesEvent(bytes, 0, at)) return at + 1;
  }
  return 0;
}

function* eachEvent(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (!closesEvent(bytes, start, at)) continue;
    yield bytes.subarray(start, at + 1);
    start = at + 1;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

function isDone(event: Buffer): boolean {
  return event.includes("[DONE]") && dataOf(event).trim() === "[DONE]";
}

function isErrorEvent(event: Buffer): boolean {
  return /^event: ?error\r?$/m.test(event.toString());
}

/** The data lines of an event, joined as the SSE standard says. */
function dataOf(event: Buffer): string {
  const lines: string[] = [];
  for (const line of event.toString().split(/\r?\n/)) {
    if (line.startsWith("data:")) lines.push(line.startsWith("data: ") ? line.slice(6) : line.slice(5));
  }
  return lines.join("\n");
}
