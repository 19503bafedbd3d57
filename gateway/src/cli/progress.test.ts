import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Progress, progressLine, progressOn } from "./progress.ts";
import { widthOf } from "./width.ts";

test("a line says how much of how much is done, as a bar, in percent and in words", () => {
  assert.equal(
    progressLine({ done: 5, total: 20, what: "days" }, 80),
    "[######··················]  25 %  5 of 20 days",
  );
  assert.equal(progressLine({ done: 5, what: "entries" }, 80), "5 entries");
  assert.equal(progressLine({ done: 0, total: 0, what: "days" }, 80), "0 days");
});

test("a line never takes more columns than there are, and never more than the whole", () => {
  const progress = fc.record({ done: fc.nat(), total: fc.nat(), what: fc.constant("entries") });
  fc.assert(
    fc.property(progress, fc.integer({ min: 1, max: 200 }), (of, columns) => {
      const line = progressLine(of, columns);
      assert.ok(widthOf(line) <= columns, line);
      assert.doesNotMatch(line, /1\d[1-9] %|[2-9]\d\d %/);
    }),
  );
});

function streamThat(isTTY: boolean) {
  const written: string[] = [];
  const stream = { isTTY, columns: 40, write: (text: string) => written.push(text) > 0 };
  return { show: progressOn(stream as unknown as NodeJS.WriteStream), written };
}

test("on a terminal it is drawn in one place and taken away; into a file nothing is written", () => {
  const half: Progress = { done: 1, total: 2, what: "days" };
  const terminal = streamThat(true);
  terminal.show(undefined);
  assert.equal(terminal.written.length, 0);
  terminal.show(half);
  terminal.show(undefined);
  terminal.show(undefined);
  const [drawn, taken, ...rest] = terminal.written;
  assert.ok(drawn?.startsWith("\r\u001b[2K[####"));
  assert.deepEqual([taken, rest], ["\r\u001b[2K", []]);
  const file = streamThat(false);
  file.show(half);
  file.show(undefined);
  assert.deepEqual(file.written, []);
});
