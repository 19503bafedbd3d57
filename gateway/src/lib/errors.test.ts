import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, errors, TollgateError } from "./errors.ts";

/** Clients depend on these. A code may be added; none may go, or change its status. */
const published: Record<ErrorCode, number> = {
  BAD_REQUEST: 400,
  BAD_CREDENTIALS_HEADER: 400,
  VALIDATION_FAILED: 400,
  REQUEST_EXCEEDS_LIMIT: 400,
  AUTH_REQUIRED: 401,
  AUTH_INVALID: 401,
  AUTH_AMBIGUOUS: 401,
  BUDGET_EXCEEDED: 402,
  PRICE_UNKNOWN: 402,
  SCOPE_MISSING: 403,
  ADDRESS_NOT_ALLOWED: 403,
  MODEL_NOT_ALLOWED: 403,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  MODEL_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  EMAIL_TAKEN: 409,
  ACCOUNT_EXISTS: 409,
  CONFLICT: 409,
  IDEMPOTENCY_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  EXPECTATION_FAILED: 417,
  RATE_LIMITED: 429,
  QUOTA_EXCEEDED: 429,
  COOLDOWN: 429,
  PROVIDER_RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
  PROVIDER_REJECTED: 400,
  INTERNAL: 500,
  PROVIDER_FAILED: 502,
  OVERLOADED: 503,
  PROVIDER_UNAVAILABLE: 503,
  STORE_UNAVAILABLE: 503,
  PROVIDER_TIMEOUT: 504,
};

test("codes and their statuses never change", () => {
  const statuses = Object.entries(errors).map(([code, { status }]) => [code, status]);
  assert.deepEqual(Object.fromEntries(statuses), published);
});

test("every error has a status of 4xx or 5xx, a sentence for a person and a type for a program", () => {
  for (const [code, { status, message, type }] of Object.entries(errors)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.ok(status >= 400 && status <= 599, code);
    assert.match(message, /^[A-Z].*\.$/, code);
    assert.match(type, /^[a-z_]+$/, code);
  }
});

test("the sentences that users were promised are these", () => {
  assert.equal(errors.AUTH_REQUIRED.message, "Sign in is required to use this feature.");
  assert.equal(errors.AUTH_INVALID.message, "Your session is invalid or expired. Please sign in again.");
  assert.equal(errors.RATE_LIMITED.message, "Rate limit reached. Please try again later.");
  assert.equal(errors.COOLDOWN.message, "Too many refused requests. Please wait before the next one.");
});

test("an error knows its status, and a provider's refusal keeps the provider's", () => {
  assert.equal(new TollgateError("AUTH_REQUIRED").status, 401);
  const rejected = new TollgateError("PROVIDER_REJECTED", { status: 422, message: "no", param: null });
  assert.equal(rejected.status, 422);
  assert.ok(rejected.is("PROVIDER_REJECTED") && !rejected.is("PROVIDER_FAILED"));
});

test("what is behind an error is its cause, never its message", () => {
  const error = new TollgateError("INTERNAL", undefined, { cause: new Error("password=hunter2") });
  assert.equal(error.message, errors.INTERNAL.message);
  assert.match(String(error.cause), /hunter2/);
});
