import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ServerSentEvent, serverSentEvents, sseParser } from "./sse.ts";

const event = fc.record({
  event: fc.option(fc.stringMatching(/^[a-z.]{1,10}$/), { nil: undefined }),
  lines: fc.array(fc.stringMatching(/^[^\r\n\0]{0,12}$/u), { minLength: 1, maxLength: 3 }),
});

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

test("events are the same however their bytes are cut, and however their lines end", async () => {
  const ends = fc.constantFrom("\n", "\r\n", "\r");
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(event), ends, sizes, async (events, end, cuts) => {
      const lines = events.flatMap(({ event, lines }) => [
        ": a comment",
        ...(event === undefined ? [] : [`event: ${event}`]),
        ...lines.map((line) => `data: ${line}`),
        "",
      ]);
      // A CR at the very end could still become a CRLF.
      const text = [...lines, ": the end"].join(end) + end;
      const found: ServerSentEvent[] = [];
      for await (const one of serverSentEvents(cut(new TextEncoder().encode(text), cuts))) found.push(one);
      assert.deepEqual(
        found,
        events.map(({ event, lines }) => ({ event, id: undefined, data: lines.join("\n") })),
      );
    }),
  );
});

test("an id stays until the next, and an event without an empty line behind it is none", () => {
  const parse = sseParser();
  assert.deepEqual(parse("id: 7\ndata: a\n\ndata:b\n\ndata: c\n"), [
    { event: undefined, id: "7", data: "a" },
    { event: undefined, id: "7", data: "b" },
  ]);
});
