import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTollgateError } from "./errors.parse.ts";
import { networkError } from "./errors.ts";
import { type Refusal, retryWait } from "./retry.ts";

const attempt = { number: 0, isRepeatable: true, random: () => 0, longestWaitMs: 60_000 };
const once = { ...attempt, isRepeatable: false };
const refusal = (status: number, code = "X", more: Partial<Refusal> = {}): Refusal => ({
  error: parseTollgateError({ error: { code, message: "" } }, { status }),
  ...more,
});

test("what may pass is repeated, and what will not is not", () => {
  for (const status of [408, 429, 500, 502, 503, 504]) assert.equal(retryWait(refusal(status), attempt), 500);
  for (const status of [400, 401, 402, 403, 404, 409, 413]) {
    assert.equal(retryWait(refusal(status), attempt), undefined, String(status));
  }
  assert.equal(retryWait(refusal(409, "X", { askedWaitMs: 100 }), attempt), 100);
});

test("what the answer says about repeating comes first", () => {
  assert.equal(retryWait(refusal(429, "X", { shouldRetry: false }), attempt), undefined);
  assert.equal(retryWait(refusal(409, "X", { shouldRetry: true }), attempt), 500);
});

test("no wait is longer than it may be: what takes longer is told at once", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e5 }),
      fc.integer({ min: 0, max: 1e5 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (askedWaitMs, longestWaitMs, chance) => {
        const wait = retryWait(refusal(429, "RATE_LIMITED", { askedWaitMs }), {
          ...attempt,
          longestWaitMs,
          random: () => chance,
        });
        if (askedWaitMs > longestWaitMs) assert.equal(wait, undefined);
        else assert.ok(wait! >= askedWaitMs && wait! <= longestWaitMs);
        assert.ok(retryWait(refusal(500), { ...attempt, longestWaitMs })! <= longestWaitMs);
      },
    ),
  );
});

test("own waits double up to eight seconds, less up to a quarter by chance", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.double({ min: 0, max: 1, noNaN: true }), (number, chance) => {
      const wait = retryWait(refusal(500), { ...attempt, number, random: () => chance })!;
      const most = Math.min(8_000, 500 * 2 ** number);
      assert.ok(wait <= most && wait >= 0.75 * most);
    }),
  );
});

test("what may have been done already is not done twice", () => {
  const unreachable = networkError("NETWORK_UNREACHABLE", "");
  assert.equal(retryWait({ error: unreachable }, once), undefined);
  assert.equal(retryWait({ error: unreachable }, attempt), 500);
  assert.equal(retryWait({ error: unreachable, wasNotSent: true }, once), 500);
  for (const [status, code] of [
    [500, "INTERNAL"],
    [503, "STORE_UNAVAILABLE"],
    [504, "PROVIDER_TIMEOUT"],
    [502, "of some proxy"],
  ] as const) {
    assert.equal(retryWait(refusal(status, code, { shouldRetry: true }), once), undefined, code);
  }
});

test("what was refused before anything was done is repeated, whatever it is", () => {
  for (const [status, code] of [
    [408, "REQUEST_TIMEOUT"],
    [429, "RATE_LIMITED"],
    [429, "PROVIDER_RATE_LIMITED"],
    [502, "PROVIDER_FAILED"],
    [503, "OVERLOADED"],
    [503, "PROVIDER_UNAVAILABLE"],
  ] as const) {
    assert.equal(retryWait(refusal(status, code), once), 500, code);
  }
});
