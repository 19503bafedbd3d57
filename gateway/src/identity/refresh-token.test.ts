import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededChance } from "../lib/ids.ts";
import { derivedKey, hmacSha256 } from "../lib/secrets.ts";
import { newKey, parseKey } from "./key.ts";
import { refreshTokens } from "./refresh-token.ts";

const secretKey = new Uint8Array(32).fill(0x0f);
const digestKey = derivedKey(secretKey, "refresh-digest");
const nextKey = derivedKey(secretKey, "refresh-next");

function tokens(digestKeys: readonly Uint8Array[] = [digestKey], seed = 1) {
  return refreshTokens({ digestKeys, nextKeys: [nextKey], chance: seededChance(seed) });
}

test("a token's successor is the documented one", () => {
  assert.equal(
    tokens().successorOf("rt-tg1_AbCdEf012345_28pwpFvXuOCuClQJSgvJUKf8mA3ApwedogOvpU3VfJJ1BmJgB"),
    "rt-tg1_daREYzl4tvYP_7S5fifDRmcLNZBtoYOi1b4rwWTAUE0zeeeVbsxzCYsi3yKH1E",
  );
});

test("a token has one successor, itself a token, and no two tokens share one", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(), { minLength: 2, maxLength: 2 }), ([one, other]) => {
      const first = tokens([digestKey], one).mint();
      const second = tokens([digestKey], other).mint();
      const successor = tokens().successorOf(first);
      assert.equal(parseKey(successor)?.tag, "rt");
      assert.equal(tokens().successorOf(first), successor);
      assert.notEqual(tokens().successorOf(second), successor);
      assert.notEqual(successor, first);
    }),
  );
});

test("who knows a token but not the key does not know its successor", () => {
  const token = tokens().mint();
  const stranger = refreshTokens({ digestKeys: [digestKey], nextKeys: [digestKey], chance: seededChance(1) });
  assert.notEqual(stranger.successorOf(token), tokens().successorOf(token));
});

test("a token has one digest per key, the newest first", () => {
  const older = derivedKey(new Uint8Array(32).fill(1), "refresh-digest");
  const both = tokens([digestKey, older]);
  const token = both.mint();
  assert.deepEqual(both.digests(token), [hmacSha256(digestKey, token), hmacSha256(older, token)]);
});

test("what is not a refresh token has no digest", () => {
  const token = tokens().mint();
  for (const other of ["", "x", token.slice(1), `${token.slice(0, 68)}!`, newKey("sk", seededChance(1))]) {
    assert.equal(tokens().digests(other), undefined, other);
  }
});
