import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { literalLength, matchesPattern, patternFault } from "./model-patterns.ts";

test("a star stands for any text, or none", () => {
  for (const [pattern, matching, others] of [
    ["gpt-5*", ["gpt-5", "gpt-5-mini"], ["gpt-4", "a-gpt-5"]],
    ["*", ["", "anything"], []],
    ["*-mini", ["gpt-5-mini", "-mini"], ["gpt-5-mini-x", "mini"]],
    ["gpt-*-mini", ["gpt-5-mini", "gpt--mini"], ["gpt-mini", "gpt-5-mini-x"]],
    ["a*b*a", ["aba", "axbxa"], ["ab", "aa", "abxb"]],
    ["gpt-5", ["gpt-5"], ["gpt-5-mini", ""]],
  ] as const) {
    for (const name of matching) assert.ok(matchesPattern(pattern, name), `${pattern} ${name}`);
    for (const name of others) assert.ok(!matchesPattern(pattern, name), `${pattern} ${name}`);
  }
});

test("a pattern matches what the same regular expression matches", () => {
  const text = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
  fc.assert(
    fc.property(text("ab*"), text("ab"), (pattern, name) => {
      assert.equal(matchesPattern(pattern, name), new RegExp(`^${pattern.replace(/\*/g, ".*")}$`).test(name));
    }),
    { numRuns: 5_000 },
  );
});

test("a pattern has at most three stars, and is judged by its text", () => {
  assert.equal(patternFault("a*b*c*"), undefined);
  assert.equal(patternFault("gpt-5"), undefined);
  assert.match(patternFault("a*b*c*d*")!, /at most 3 stars/);
  assert.equal(literalLength("gpt-*-mini"), 9);
});
