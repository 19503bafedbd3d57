import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededChance } from "../lib/ids.ts";
import { derivedKey, hmacSha256 } from "../lib/secrets.ts";
import { formatKey, newKey, parseKey } from "./key.ts";

const secretKey = new Uint8Array(32).fill(0x0f);
const tags = fc.constantFrom("sk", "it", "rt");

test("keys have the documented form", () => {
  const key = formatKey("sk", "AbCdEf012345", new Uint8Array(32).fill(7));
  assert.equal(key, "sk-tg1_AbCdEf012345_1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF10aphnU");
  assert.equal(
    formatKey("sk", "000000000000", new Uint8Array(32)),
    "sk-tg1_000000000000_00000000000000000000000000000000000000000003kUf4g",
  );
  assert.equal(
    formatKey("sk", "zzzzzzzzzzzz", new Uint8Array(32).fill(0xff)),
    "sk-tg1_zzzzzzzzzzzz_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp12oktD5",
  );
  assert.equal(
    formatKey("rt", "AbCdEf012345", new Uint8Array(32).fill(9)),
    "rt-tg1_AbCdEf012345_28pwpFvXuOCuClQJSgvJUKf8mA3ApwedogOvpU3VfJJ1BmJgB",
  );
});

test("a key's digest is the peppered HMAC of the whole key", () => {
  const pepper = derivedKey(secretKey, "apikey-pepper");
  assert.equal(pepper.toString("hex"), "1bdf4d9b89fb9a1e96da46a109b63e1ca8ea88e7ba89a06c906f4ec81e44d3e7");
  const key = "sk-tg1_AbCdEf012345_1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF10aphnU";
  assert.equal(
    hmacSha256(pepper, key).toString("hex"),
    "3a6963497f2717c92bd41027d3af749a8dfe0c40b56b3e91a18e93e16c246033",
  );
});

test("what is minted parses, and no single wrong character does", () => {
  fc.assert(
    fc.property(tags, fc.integer(), fc.nat(68), fc.nat(61), (tag, seed, position, replacement) => {
      const key = newKey(tag, seededChance(seed));
      assert.deepEqual(parseKey(key), { tag, prefix: key.slice(7, 19) });
      const wrong = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[replacement]!;
      if (key[position] === wrong) return;
      assert.equal(parseKey(key.slice(0, position) + wrong + key.slice(position + 1)), undefined);
    }),
    { numRuns: 2000 },
  );
});

test("anything else is not a key", () => {
  const key = newKey("sk", seededChance(1));
  for (const other of [
    "",
    "sk-",
    key.slice(1),
    `${key} `,
    key.toUpperCase(),
    `Bearer ${key}`,
    "x".repeat(69),
  ]) {
    assert.equal(parseKey(other), undefined, other);
  }
});
