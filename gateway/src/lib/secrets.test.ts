import assert from "node:assert/strict";
import { test } from "node:test";
import { derivedKey, hmacSha256, type Purpose, sameSecret } from "./secrets.ts";

const secretKey = Buffer.alloc(32, 0x0f);

test("a key made for one purpose is none of another's", () => {
  const purposes: readonly Purpose[] = ["apikey-pepper", "static-token", "ratelimit-subject"];
  const keys = purposes.map((purpose) => derivedKey(secretKey, purpose));
  assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, purposes.length);
  for (const key of keys) assert.equal(key.length, 32);
});

test("secrets are the same only if every byte is", () => {
  const digest = hmacSha256(secretKey, "token");
  assert.ok(sameSecret(digest, hmacSha256(secretKey, Buffer.from("token"))));
  assert.ok(!sameSecret(digest, hmacSha256(secretKey, "tokem")));
  assert.ok(!sameSecret(digest, digest.subarray(0, 31)));
  assert.ok(!sameSecret(digest, new Uint8Array(0)));
});
