import assert from "node:assert/strict";
import { test } from "node:test";
import { TollgateError } from "../lib/errors.ts";
import { delayAfterDeferral } from "./states.ts";
import { verdictOf } from "./verdict.ts";

const kindOf = (thrown: unknown) => {
  const verdict = verdictOf(thrown);
  if (verdict.kind === "failed") return verdict.isFatal ? "fatal" : "failed";
  return verdict.kind === "deferred" ? delayAfterDeferral(0, verdict.saidMs) : verdict.kind;
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
  assert.equal(kindOf(new TollgateError("REQUEST_TIMEOUT")), "failed");
  assert.equal(kindOf(new TollgateError("PROVIDER_FAILED")), "failed");
  assert.equal(kindOf(new TollgateError("PROVIDER_TIMEOUT")), "failed");
  assert.equal(kindOf(new Error("a bug")), "failed");
});

test("a provider that limits without saying for how long is asked again later, and costs no retry", () => {
  assert.equal(kindOf(new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: undefined })), 15_000);
});

test("a provider that wants money first has failed: that does not come back by itself", () => {
  const limited = (retryAfterMs?: number) =>
    new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs }, { retry: false });
  assert.equal(kindOf(limited()), "failed");
  assert.equal(kindOf(limited(5_000)), "failed");
  const refused = { status: 400, message: "Your credit balance is too low.", param: null };
  assert.equal(kindOf(new TollgateError("PROVIDER_REJECTED", refused, { retry: false })), "failed");
});

test("whoever is put off again and again waits longer each time, and never less than was said", () => {
  const waits = [0, 1, 2, 3, 4, 5, 60].map((deferrals) => delayAfterDeferral(deferrals, 1_000) / 1_000);
  assert.deepEqual(waits, [1, 30, 60, 120, 240, 300, 300]);
  assert.equal(delayAfterDeferral(3, 900_000), 900_000);
});

test("an unexpected error tells nobody what went wrong inside", () => {
  for (const thrown of ["a text", new Error("at /srv/secret")]) {
    const message = "Something went wrong here. It has been logged.";
    assert.deepEqual(verdictOf(thrown).error, { code: "INTERNAL", message });
  }
});
