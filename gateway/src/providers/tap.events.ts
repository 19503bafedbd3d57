import { fieldsOf, parsedObject } from "./json.ts";
import type { StreamEvent } from "./wire.ts";

/** Where the last whole event ends; 0 if none ends at or after `from`. */
export function endOfLastEvent(bytes: Buffer, from: number): number {
  for (let at = bytes.length - 1; at >= from; at--) {
    if (closesEvent(bytes, 0, at)) return at + 1;
  }
  return 0;
}

/** The last one may lack the empty line that closes it. */
export function* eachEvent(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (!closesEvent(bytes, start, at)) continue;
    yield bytes.subarray(start, at + 1);
    start = at + 1;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

/** Nothing but comments and empty lines, which keep a connection alive. */
export function isSilent(bytes: Buffer): boolean {
  for (let start = 0; start < bytes.length; ) {
    const first = bytes[start];
    if (first !== COLON && first !== LF && first !== CR) return false;
    const end = bytes.indexOf(LF, start);
    start = end === -1 ? bytes.length : end + 1;
  }
  return true;
}

/** An event's lines, as the standard of server-sent events says. */
export function eventOf(bytes: Buffer): StreamEvent {
  let name: string | undefined;
  const lines: string[] = [];
  for (const line of bytes.toString().split(/\r?\n/)) {
    if (line.startsWith("data:")) lines.push(valueFrom(line, 5));
    else if (line.startsWith("event:")) name = valueFrom(line, 6);
  }
  const data = lines.join("\n");
  return { name, data, fields: fieldsOf(parsedObject(data)) };
}

function valueFrom(line: string, at: number): string {
  return line.slice(line[at] === " " ? at + 1 : at);
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/** Whether the line end at `at` closes an empty line, and with it the event that began at `start`. */
function closesEvent(bytes: Buffer, start: number, at: number): boolean {
  if (bytes[at] !== LF) return false;
  const lineEnd = bytes[at - 1] === CR && at > start ? at - 1 : at;
  return lineEnd === start || bytes[lineEnd - 1] === LF;
}
