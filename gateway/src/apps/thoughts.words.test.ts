import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { termsOf, wordsOf } from "./thoughts.words.ts";

test("words are told apart in languages with and without spaces, whatever their case and accents", () => {
  assert.deepEqual(wordsOf("Call Ânna: call HER!"), ["call", "anna", "her"]);
  assert.deepEqual(wordsOf("Позвонить Ане"), ["позвонить", "ане"]);
  assert.deepEqual(wordsOf("明日東京で会議"), ["明日", "東京", "で", "会議"]);
  assert.deepEqual(wordsOf("don't pay 3.50"), ["don", "t", "pay", "3", "50"]);
});

test("a long word is looked for by its beginning, a short one as it stands", () => {
  assert.deepEqual(termsOf("I was calling Anna"), ["'i'", "'was'", "'calli':*", "'anna':*"]);
});

test("no word of any text can be read as part of a query", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const word of wordsOf(text)) assert.match(word, /^[\p{L}\p{N}\p{M}]{1,200}$/u);
    }),
    { numRuns: 1_000 },
  );
});
