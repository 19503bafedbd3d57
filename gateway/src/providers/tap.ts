import type { Metered } from "../costs/usage.ts";
import { Gathering } from "./gathering.ts";
import { eachEvent, endOfLastEvent, eventOf, isSilent } from "./tap.events.ts";
import type { Seen, Verdict, Wire } from "./wire.ts";

/**
 * Watches a stream go by. Bytes pass unchanged, in whole events, except that a usage event which the client did not
 * ask for is taken out, comments and what only opens the answer wait for what follows them, and everything from the end on is held
 * back, so that the caller can settle before it says the end. Events that the wire's scan finds plain are not parsed.
 */
export type StreamTap = {
  /** The bytes that may go to the client now, if any. */
  push(chunk: Buffer): Buffer | undefined;
  /** The end was seen; nothing more will be let through. */
  readonly complete: boolean;
  /** The provider has said that it failed, before anything that passes but an opening. */
  readonly failed: boolean;
  /** What was seen. To be called once, when the stream has ended, broken or been left. */
  finish(): StreamEnd;
};

export type StreamEnd = Seen & {
  /** What had still to pass before `tail`: a last event that no empty line closes, an opening that nothing followed. */
  readonly rest: Buffer;
  /** The held end and what followed it. Empty if none came. */
  readonly tail: Buffer;
  readonly complete: boolean;
  /** The last usage reported. Undefined also after an event that was too long to be read. */
  readonly metered: Metered | undefined;
  /** UTF-8 bytes of text and tool arguments that passed: what an estimate is made of. See `Scan.textBytes`. */
  readonly textBytes: number;
  /** The model gave a reason to stop. */
  readonly finished: boolean;
};

/** An event that is longer is not read: it and everything after it passes as it comes. */
export const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** `hideUsage`: take out the events that hold nothing but a usage. */
export function streamTap(wire: Wire, { hideUsage }: { readonly hideUsage: boolean }): StreamTap {
  const reader = wire.events();
  const unfinished = new Gathering();
  const opening = new Gathering();
  const tail = new Gathering();
  let hasPassed = false;
  let readOfTail = 0;
  let blind = false;
  let complete = false;
  let textBytes = 0;
  let finished = false;
  let failed = false;

  /** Reads whole events; answers which of their bytes pass. */
  function read(events: Buffer): Buffer {
    const scan = wire.scan(events);
    if (scan.plain && (hasPassed || !isSilent(events))) {
      textBytes += scan.textBytes;
      finished ||= scan.finished;
      return opened(events);
    }
    const passing: Buffer[] = [];
    for (const event of eachEvent(events)) {
      const verdict = complete ? "hold" : readEvent(event);
      const isFirst = !hasPassed && passing.length === 0;
      if (isFirst && reader.seen().error !== undefined) failed = true;
      if (verdict === "hold") hold(event);
      else if (isFirst && (verdict === "open" || isSilent(event))) opening.add(event);
      else if (verdict !== "hide" || !hideUsage) passing.push(event);
    }
    return opened(passing.length === 1 ? passing[0]! : Buffer.concat(passing));
  }

  /** With what opened the answer, if anything passes at all. */
  function opened(passing: Buffer): Buffer {
    if (passing.length === 0) return passing;
    hasPassed = true;
    return opening.length === 0 ? passing : Buffer.concat([opening.take(), passing]);
  }

  function hold(event: Buffer): void {
    if (!complete) readOfTail = event.length;
    complete = true;
    tail.add(event);
  }

  function readEvent(event: Buffer): Verdict {
    const scan = wire.scan(event);
    textBytes += scan.textBytes;
    finished ||= scan.finished;
    return scan.plain ? "pass" : reader.read(eventOf(event));
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
        unfinished.take();
        return opened(bytes);
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
    get failed() {
      return failed;
    },
    finish() {
      const last = read(unfinished.take());
      const rest = last.length === 0 ? opening.take() : last;
      const held = tail.take();
      // What follows the end may still tell the usage: Gemini's last events do.
      for (const event of eachEvent(held.subarray(readOfTail))) readEvent(event);
      const seen = reader.seen();
      const metered = blind ? undefined : seen.metered;
      return { ...seen, metered, rest, tail: held, complete, textBytes, finished };
    },
  };
}
