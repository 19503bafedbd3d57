import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FieldFault, TollgateError } from "../lib/errors.ts";
import { parseJson } from "./json.ts";

function faultsOf(body: string | Buffer): readonly FieldFault[] {
  try {
    parseJson(Buffer.from(body));
    return [];
  } catch (error) {
    assert.ok(error instanceof TollgateError && error.is("VALIDATION_FAILED"));
    return error.details.faults;
  }
}

const INEXACT = "is a number outside the range that can be kept exactly";

test("JSON means the same before and after it passed through", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      const faults = faultsOf(text);
      if (faults.length === 0)
        assert.deepEqual(JSON.stringify(parseJson(Buffer.from(text))), JSON.stringify(JSON.parse(text)));
      else
        assert.ok(faults.every(({ message }) => message === INEXACT || message === "is not an allowed name"));
    }),
  );
});

test("what JSON or UTF-8 does not allow is refused", () => {
  for (const body of [
    "",
    "{",
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}',
    "{} {}",
    "\ufeff{}",
    "\0",
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    Buffer.from('{"a":1}', "utf16le"),
  ]) {
    assert.deepEqual(faultsOf(body), [{ path: "", message: "is not valid JSON" }], String(body));
  }
});

test("numbers that a double does not hold exactly are refused at their path", () => {
  for (const [body, path] of [
    ['{"a":1e999}', "a"],
    ['{"a":-1e999}', "a"],
    ['{"a":{"seed":12345678901234567890}}', "a.seed"],
    ['{"messages":[{"n":9007199254740993}]}', "messages[0].n"],
    ["1e999", ""],
  ] as const) {
    assert.deepEqual(faultsOf(body), [{ path, message: INEXACT }], body);
  }
  assert.deepEqual(faultsOf('{"a":9007199254740991,"b":0.1,"c":-0.0,"d":1.5e-300}'), []);
});

test("names that reach into prototypes are refused", () => {
  for (const [body, path] of [
    ['{"__proto__":{"admin":true}}', "__proto__"],
    ['{"a":[{"__proto__":1}]}', "a[0].__proto__"],
    ['{"\\u005f_proto__":1}', "__proto__"],
    ['{"constructor":{"prototype":{}}}', "constructor"],
  ] as const) {
    assert.deepEqual(faultsOf(body), [{ path, message: "is not an allowed name" }], body);
  }
  assert.deepEqual(faultsOf('{"constructor":"Ann","prototype":1}'), []);
});

test("of a repeated name the last one counts, alone", () => {
  assert.deepEqual(parseJson(Buffer.from('{"a":1,"a":{"b":2}}')), { a: { b: 2 } });
});

test("nesting ends at 64", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  assert.deepEqual(faultsOf(nested(64)), []);
  assert.deepEqual(faultsOf(nested(65)), [{ path: "", message: "is nested deeper than 64" }]);
  assert.deepEqual(faultsOf(nested(100_000)), [{ path: "", message: "is nested deeper than 64" }]);
});

test("a body has at most 100,000 members", () => {
  const list = (length: number) => `[${Array(length).fill("0").join()}]`;
  assert.deepEqual(faultsOf(list(100_000)), []);
  assert.deepEqual(faultsOf(list(100_001)), [{ path: "", message: "has more than 100000 members" }]);
});

test("however many faults a body has, ten are told", () => {
  for (const body of [
    `[${Array(50_000).fill("1e999").join()}]`,
    `[${Array(50_000).fill('{"__proto__":1}').join()}]`,
  ]) {
    assert.equal(faultsOf(body).length, 10);
  }
});
