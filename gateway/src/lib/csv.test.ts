import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csv } from "./csv.ts";

test("lines end in CRLF, and what would break a cell is quoted", () => {
  assert.equal(
    csv(
      ["name", "cost"],
      [
        ["a,b", "0.37"],
        ['say "hi"', 2],
        ["two\nlines", ""],
      ],
    ),
    'name,cost\r\n"a,b",0.37\r\n"say ""hi""",2\r\n"two\nlines",\r\n',
  );
});

test("no text is run as a formula by a spreadsheet, and numbers stay numbers", () => {
  for (const text of ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "＝1", "＠x"]) {
    const cell = csv(["x"], [[text]])
      .slice("x\r\n".length)
      .replace(/^"/, "");
    assert.ok(cell.startsWith("'"), JSON.stringify(text));
  }
  assert.equal(csv(["x"], [[-1], ["gpt-5.1"], ["a=b"]]), "x\r\n-1\r\ngpt-5.1\r\na=b\r\n");
});

test("whatever is written is read back, but for the apostrophe", () => {
  const rows = fc.array(fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 2 }));
  fc.assert(
    fc.property(rows, (rows) => {
      const read = parsed(csv(["a", "b"], rows)).slice(1);
      assert.equal(read.length, rows.length);
      for (const [index, row] of rows.entries()) {
        for (const [column, text] of row.entries()) {
          assert.ok([text, `'${text}`].includes(read[index]![column]!));
        }
      }
    }),
    { numRuns: 500 },
  );
});

/** A reader of RFC 4180 that knows nothing of the writer. */
function parsed(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; ; at += 1) {
        if (text[at] !== '"') cell += text[at];
        else if (text[at + 1] === '"') {
          cell += '"';
          at += 1;
        } else break;
      }
      at += 1;
    } else {
      while (text[at] !== "," && !text.startsWith("\r\n", at)) cell += text[at++];
    }
    row.push(cell);
    if (text[at] === ",") at += 1;
    else {
      assert.ok(text.startsWith("\r\n", at));
      at += 2;
      rows.push(row);
      row = [];
    }
  }
  return rows;
}
