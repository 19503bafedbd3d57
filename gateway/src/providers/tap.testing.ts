import assert from "node:assert/strict";
import fc from "fast-check";
import { parsedObject } from "./json.ts";
import { type StreamEnd, streamTap } from "./tap.ts";
import { textBytesOf } from "./text.ts";
import type { Wire } from "./wire.ts";

/** A wire and the keys of its text and of its reasons to stop, for what parses instead of scanning. */
export type Parsed = {
  readonly wire: Wire;
  readonly text: readonly string[];
  readonly finish: readonly string[];
};

/** An event of a stream; data that is no string is sent as JSON. */
export type Sent = { readonly name?: string; readonly data: unknown };

/** Pushes every chunk; what passed, and how it ended. */
export function tapped(
  wire: Wire,
  chunks: readonly Buffer[],
  hideUsage = true,
): StreamEnd & { readonly passed: Buffer } {
  const tap = streamTap(wire, { hideUsage });
  const passed: Buffer[] = [];
  for (const chunk of chunks) {
    const bytes = tap.push(chunk);
    if (bytes === undefined) continue;
    assert.notEqual(bytes.length, 0);
    passed.push(bytes);
  }
  return { ...tap.finish(), passed: Buffer.concat(passed) };
}

/** What `tapped` must answer, by parsing every event of the whole stream. Bytes are told as latin1. */
export function parsedAll({ wire, text, finish }: Parsed, input: Buffer, hideUsage: boolean) {
  const reader = wire.events();
  const told = { passed: "", tail: "", complete: false, textBytes: 0, finished: false };
  for (const event of input.toString("latin1").match(/(?:(?!\r?\n)[^\n]*\n)*\r?\n|[\s\S]+$/g) ?? []) {
    const lines = Buffer.from(event, "latin1").toString().split(/\r?\n/);
    const valuesOf = (field: string): string[] =>
      lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.replace(/^\w+: ?/, ""));
    const data = valuesOf("data").join("\n");
    const fields = parsedObject(data) ?? {};
    const verdict = reader.read({ name: valuesOf("event").at(-1), data, fields });
    told.textBytes += textBytesOf(fields, new Set(text));
    told.finished ||= says(fields, finish);
    told.complete ||= verdict === "hold";
    if (told.complete) told.tail += event;
    else if (verdict !== "hide" || !hideUsage) told.passed += event;
  }
  return { ...reader.seen(), ...told };
}

function says(value: unknown, keys: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(
    ([key, inner]) => (keys.includes(key) && inner != null && inner !== "") || says(inner, keys),
  );
}

export function cutUp(input: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (input.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => input.subarray(start, at[index] ?? input.length));
}

/** Ways to write the same JSON. */
export const spellings = fc.constantFrom<(value: unknown) => string>(
  (value) => JSON.stringify(value),
  (value) => JSON.stringify(value, null, 1).replaceAll("\n", " "),
  (value) =>
    JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
);
const dataFields = fc.constantFrom("data: ", "data:");
const lineEnds = fc.constantFrom("\n", "\r\n");
const eventFields = fc.constantFrom("event: ", "event:");

/** Ways to write the same event. */
export const writings = fc
  .tuple(spellings, dataFields, lineEnds, eventFields)
  .map(([spell, dataField, end, eventField]) => ({ name, data }: Sent): string => {
    const named = name === undefined ? "" : `${eventField}${name}${end}`;
    return `${named}${dataField}${typeof data === "string" ? data : spell(data)}${end}${end}`;
  });
