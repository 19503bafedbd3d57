import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { presentedByApp, presentedTokens } from "./credentials.ts";
import { newKey } from "./key.ts";

const presentedToken = (rawHeaders: readonly string[]) => presentedTokens(rawHeaders).token;
const key = newKey("sk", seededChance(1));
const otherKey = newKey("sk", seededChance(2));

test("every documented spelling of a key is the same key", () => {
  for (const headers of [
    ["Authorization", `Bearer ${key}`],
    ["authorization", `bearer ${key}`],
    ["AUTHORIZATION", `BEARER   ${key}`],
    ["Authorization", key],
    ["X-API-Key", key],
    ["x-api-key", `Bearer ${key}`],
    ["api-key", key],
    ["Authorization", `  Bearer ${key}  `],
    ["Authorization", `Bearer ${key}`, "X-API-Key", key, "api-key", `Bearer ${key}`],
  ]) {
    assert.equal(presentedToken(headers), key, JSON.stringify(headers));
  }
});

test("without a credential there is none, and an empty header is none", () => {
  for (const headers of [
    [],
    ["Host", "localhost", "x-project-id", "1"],
    ["Authorization", ""],
    ["Authorization", "  ", "x-api-key", ""],
  ]) {
    assert.equal(presentedToken(headers), undefined, JSON.stringify(headers));
  }
  assert.equal(presentedToken(["Authorization", "", "x-api-key", key]), key);
});

test("the person in Authorization goes before the app in X-API-Key", () => {
  assert.deepEqual(presentedTokens(["x-api-key", key, "Authorization", "Bearer person"]), {
    token: "person",
    appKey: key,
  });
  for (const headers of [
    ["Authorization", "Bearer person", "x-api-key", "no-key-of-ours"],
    ["Authorization", "Bearer person"],
  ]) {
    assert.deepEqual(presentedTokens(headers), { token: "person" });
  }
  assert.deepEqual(presentedTokens(["x-api-key", key, "api-key", key]), { token: key });
  assert.equal(presentedToken(["api-key", "second", "x-api-key", "first"]), "first");
});

test("where an app's key comes beside its user, each stands in its own header, whatever kind of key it is", () => {
  for (const [headers, presented] of [
    [["Authorization", "Bearer person", "X-API-Key", "app"], { token: "person", appKey: "app" }],
    [["authorization", "bearer person", "api-key", key], { token: "person", appKey: key }],
    [["X-API-Key", "app"], { token: undefined, appKey: "app" }],
    [["Authorization", "Bearer person"], { token: "person" }],
    [["Authorization", `Bearer ${key}`, "X-API-Key", key], { token: key, appKey: key }],
    [["x-api-key", "first", "api-key", "second"], { token: undefined, appKey: "first" }],
    [[], { token: undefined }],
  ] as const) {
    assert.deepEqual(presentedByApp(headers), presented, JSON.stringify(headers));
  }
  for (const [headers, code] of [
    [["Authorization", `Bearer ${key}`, "X-API-Key", otherKey], "AUTH_AMBIGUOUS"],
    [["Authorization", "Basic x", "X-API-Key", "app"], "AUTH_INVALID"],
    [["X-API-Key", "a", "x-api-key", "b"], "BAD_CREDENTIALS_HEADER"],
  ] as const) {
    assert.throws(() => presentedByApp(headers), { code }, JSON.stringify(headers));
  }
});

test("two different API keys are ambiguous, wherever they stand", () => {
  for (const headers of [
    ["Authorization", `Bearer ${key}`, "x-api-key", otherKey],
    ["Authorization", `Bearer ${key}`, "api-key", otherKey],
    ["x-api-key", key, "api-key", otherKey],
    ["Authorization", "Bearer static-token", "x-api-key", key, "api-key", otherKey],
  ]) {
    assert.throws(() => presentedToken(headers), { code: "AUTH_AMBIGUOUS" }, JSON.stringify(headers));
  }
});

test("an Authorization header of another scheme proves nothing", () => {
  for (const value of ["Basic dXNlcjpwYXNz", "Digest a=b, c=d", "AWS4-HMAC-SHA256 x", "Bearer", "token"]) {
    assert.throws(() => presentedToken(["Authorization", value]), { code: "AUTH_INVALID" }, value);
  }
});

test("a credential header that is repeated, too long or unprintable is not well formed", () => {
  for (const headers of [
    ["Authorization", `Bearer ${key}`, "authorization", `Bearer ${key}`],
    ["Authorization", "", "authorization", `Bearer ${key}`],
    ["x-api-key", key, "X-Api-Key", otherKey],
    ["Authorization", `Bearer ${"x".repeat(4097)}`],
    ["x-api-key", "x".repeat(4097)],
    ["x-api-key", "two words"],
    ["Authorization", "Bearer two words"],
    ["Authorization", "Bearer caf\xe9"],
    ["Authorization", "Bearer a\tb"],
    ["api-key", "a\x7fb"],
  ]) {
    assert.throws(
      () => presentedToken(headers),
      { code: "BAD_CREDENTIALS_HEADER" },
      JSON.stringify(headers).slice(0, 80),
    );
  }
  assert.equal(presentedToken(["Authorization", `Bearer ${"x".repeat(4096)}`])?.length, 4096);
});

test("whatever a header holds, it gives a clean token, none, or a refusal", () => {
  const header = fc.tuple(
    fc.constantFrom("authorization", "x-api-key", "api-key", "host"),
    fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
      fc.constant(key),
    ),
  );
  fc.assert(
    fc.property(fc.array(header, { maxLength: 4 }), (headers) => {
      try {
        const token = presentedToken(headers.flat());
        if (token !== undefined) assert.match(token, /^[\x21-\x7e]{1,4096}$/);
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assert.match(
          (error as { code: string }).code,
          /^(AUTH_AMBIGUOUS|AUTH_INVALID|BAD_CREDENTIALS_HEADER)$/,
        );
      }
    }),
  );
});

test("a header full of blanks costs no more time than any other", () => {
  const startedAt = systemClock.monotonic();
  for (let round = 0; round < 20; round++) {
    assert.throws(() => presentedToken(["Authorization", `A${" ".repeat(15_000)}\x80`]));
  }
  assert.ok(systemClock.monotonic() - startedAt < 500);
});
