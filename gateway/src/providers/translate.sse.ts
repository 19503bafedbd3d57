import type { Fields } from "./json.ts";
import { eachEvent, eventOf } from "./tap.events.ts";
import type { StreamEvent } from "./wire.ts";

/** What a chat stream ends with. */
export const CHAT_DONE: Buffer = Buffer.from("data: [DONE]\n\n");

export function chatChunkBytes(chunk: Fields): Buffer {
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
}

/** An event of messages or responses: it is named after its type. */
export function namedEventBytes(event: Fields): Buffer {
  return Buffer.from(`event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`);
}

/** The events in bytes that end where an event ends, as a tap lets them through. */
export function eventsIn(bytes: Buffer): readonly StreamEvent[] {
  return Array.from(eachEvent(bytes), eventOf);
}
