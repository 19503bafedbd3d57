import assert from "node:assert/strict";
import { test } from "node:test";
import { TollgateError } from "../lib/errors.ts";
import { verdictOf } from "./verdict.ts";

const kindOf = (thrown: unknown) => {
  const verdict = verdictOf(thrown);
  if (verdict.kind === "failed") return verdict.isFatal ? "fatal" : "failed";
  return verdict.kind === "deferred" ? verdict.delayMs : verdict.kind;
};

test("what a budget does not hold is blocked", () => {
  assert.equal(kindOf(new TollgateError("BUDGET_EXCEEDED", { budget: "1" })), "blocked");
});

test("whoever says when to come again is asked again then, a second from now at the soonest", () => {
  assert.equal(kindOf(new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs: 42_000 })), 42_000);
  assert.equal(kindOf(new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: 3 })), 1_000);
  assert.equal(kindOf(new TollgateError("OVERLOADED", { retryAfterMs: 2_000 })), 2_000);
  assert.equal(kindOf(new TollgateError("STORE_UNAVAILABLE")), 5_000);
});

test("refusals are fatal; what may pass is tried again", () => {
  const refused = { status: 422, message: "no", param: null };
  assert.equal(kindOf(new TollgateError("PROVIDER_REJECTED", refused)), "fatal");
  assert.equal(kindOf(new TollgateError("MODEL_NOT_FOUND", { model: "x" })), "fatal");
  assert.equal(kindOf(new TollgateError("FORBIDDEN")), "fatal");
  assert.equal(kindOf(new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: undefined })), "failed");
  assert.equal(kindOf(new TollgateError("REQUEST_TIMEOUT")), "failed");
  assert.equal(kindOf(new TollgateError("PROVIDER_FAILED")), "failed");
  assert.equal(kindOf(new TollgateError("PROVIDER_TIMEOUT")), "failed");
  assert.equal(kindOf(new Error("a bug")), "failed");
  assert.deepEqual(verdictOf("a text"), {
    kind: "failed",
    isFatal: false,
    error: { code: "INTERNAL", message: "a text" },
  });
});
