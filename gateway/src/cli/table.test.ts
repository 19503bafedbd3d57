import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { amount, emptyTable, prose, state, table, textOf } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { printable, shortened, widthOf } from "./width.ts";

const terminal = (columns: number): Terminal => ({ columns, paint: (_style, text) => text });
const keys = (name: string) =>
  table(["PREFIX", prose("NAME"), amount("TODAY")], [["AbCdEf012345", name, "7"]]);

test("names stand to the left and amounts to the right, below their titles", () => {
  const shown = textOf(
    table(
      ["MODEL", amount("CALLS"), "SOURCE"],
      [
        ["gpt-5.1", "12", "file"],
        ["o3", "3", "default"],
      ],
    ),
  );
  assert.equal(shown, "MODEL    CALLS  SOURCE\ngpt-5.1     12  file\no3           3  default");
});

test("what a terminal shows wide is counted wide, and what it does not show is not counted", () => {
  assert.deepEqual(
    ["abc", "é", "e\u0301", "日本", "👍🏽", "👩‍👩‍👧", "🇩🇪", "⚠️", "한", "ﬁ", ""].map(widthOf),
    [3, 1, 1, 4, 2, 2, 2, 2, 2, 1, 0],
  );
  const lines = textOf(
    table(
      ["NAME", "ID"],
      [
        ["日本語", "1"],
        ["Zoë", "2"],
      ],
    ),
  ).split("\n");
  assert.deepEqual(lines, ["NAME    ID", "日本語  1", "Zoë     2"]);
});

test("no text in a table moves the cursor, begins a line or turns the direction of writing", () => {
  const shown = textOf(keys("\u001b[31mred\r\nnext\u009b2J\u202egnp"));
  assert.equal(shown.split("\n").length, 2);
  assert.ok(shown.includes("\\u001b[31mred\\u000d\\u000anext\\u009b2J\\u202egnp"));
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(printable(text), /[\p{Cc}\p{Zl}\p{Zp}]/u);
    }),
  );
});

test("on a terminal the widest prose is shortened until the table fits, and nothing else", () => {
  const long = "a name that goes on and on";
  assert.equal(textOf(keys(long), terminal(40)).split("\n")[1], "AbCdEf012345  a name that goes o…      7");
  assert.equal(textOf(keys(long)).split("\n")[1], `AbCdEf012345  ${long}      7`);
  assert.match(textOf(keys(long), terminal(10)), /^AbCdEf012345 {2}a name that… /m);
  const names = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(names, fc.integer({ min: 33, max: 100 }), (name, columns) => {
      for (const line of textOf(keys(name), terminal(columns)).split("\n")) {
        assert.ok(widthOf(line) <= columns, line);
      }
    }),
  );
});

test("a shortened text takes no more room than there is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 30 }), (text, width) => {
      assert.ok(widthOf(shortened(printable(text), width)) <= width);
    }),
  );
});

test("titles and states that ask for somebody are painted, and nothing else", () => {
  const painted: Terminal = { paint: (style, text) => `<${style}>${text}</>` };
  const rows = [
    ["active", "7"],
    ["revoked", "0"],
  ];
  assert.equal(
    textOf(table([state("STATUS"), amount("TODAY")], rows), painted),
    "<bold>STATUS</>   <bold>TODAY</>\nactive       7\n<red>revoked</>      0",
  );
});

test("paragraphs stand apart, and a table without rows is none of them", () => {
  const nothing = table(["ID"], [], "Nothing.");
  assert.equal(textOf(["First.", nothing, "Second."]), "First.\n\nSecond.");
  assert.equal(emptyTable(nothing)?.ifEmpty, "Nothing.");
  assert.equal(emptyTable(["First.", nothing]), undefined);
  assert.equal(emptyTable(""), undefined);
});
