import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, errors, TollgateError } from "../lib/errors.ts";
import { seededChance } from "../lib/ids.ts";
import { errorBody, errorHeaders } from "./envelope.ts";

const resetAtMs = Date.UTC(2026, 10, 23);
const resetAt = "2026-11-23T00:00:00.000Z";
const violated = ["key-day", "ip-minute"];
const id = "req_0123456789";
const faults = [{ path: "messages[0].role", message: "must be a text" }];

/** One of each, with what its body says beyond the common fields, and what `x-should-retry` says. */
const all: Record<
  ErrorCode,
  readonly [error: TollgateError, extra: object, shouldRetry: string | undefined]
> = {
  BAD_REQUEST: [new TollgateError("BAD_REQUEST"), {}, undefined],
  BAD_CREDENTIALS_HEADER: [new TollgateError("BAD_CREDENTIALS_HEADER"), {}, undefined],
  VALIDATION_FAILED: [
    new TollgateError("VALIDATION_FAILED", { faults }),
    { param: "messages[0].role", details: faults },
    undefined,
  ],
  REQUEST_EXCEEDS_LIMIT: [
    new TollgateError("REQUEST_EXCEEDS_LIMIT", { limit: "user-minute" }),
    { limit: "user-minute" },
    "false",
  ],
  AUTH_REQUIRED: [new TollgateError("AUTH_REQUIRED"), {}, undefined],
  AUTH_INVALID: [new TollgateError("AUTH_INVALID"), {}, undefined],
  AUTH_AMBIGUOUS: [new TollgateError("AUTH_AMBIGUOUS"), {}, undefined],
  BUDGET_EXCEEDED: [
    new TollgateError("BUDGET_EXCEEDED", {
      budget: "7",
      scope: "project",
      id: "3",
      period: "day",
      remaining_usd: "0.3",
      resetAtMs,
    }),
    { budget: "7", scope: "project", id: "3", period: "day", remaining_usd: "0.3", resetAt },
    "false",
  ],
  PRICE_UNKNOWN: [new TollgateError("PRICE_UNKNOWN", { model: "x" }), { model: "x" }, "false"],
  SCOPE_MISSING: [
    new TollgateError("SCOPE_MISSING", { requiredScope: "costs:read" }),
    { requiredScope: "costs:read" },
    undefined,
  ],
  ADDRESS_NOT_ALLOWED: [new TollgateError("ADDRESS_NOT_ALLOWED"), {}, undefined],
  MODEL_NOT_ALLOWED: [
    new TollgateError("MODEL_NOT_ALLOWED", { model: "x" }),
    { param: "model", model: "x" },
    undefined,
  ],
  FORBIDDEN: [new TollgateError("FORBIDDEN"), {}, undefined],
  NOT_FOUND: [new TollgateError("NOT_FOUND"), {}, undefined],
  MODEL_NOT_FOUND: [
    new TollgateError("MODEL_NOT_FOUND", { model: "x" }),
    { param: "model", model: "x" },
    undefined,
  ],
  METHOD_NOT_ALLOWED: [new TollgateError("METHOD_NOT_ALLOWED", { allow: ["GET", "POST"] }), {}, undefined],
  NOT_ACCEPTABLE: [new TollgateError("NOT_ACCEPTABLE"), {}, undefined],
  REQUEST_TIMEOUT: [new TollgateError("REQUEST_TIMEOUT"), {}, undefined],
  EMAIL_TAKEN: [new TollgateError("EMAIL_TAKEN"), {}, "false"],
  ACCOUNT_EXISTS: [new TollgateError("ACCOUNT_EXISTS"), {}, "false"],
  CONFLICT: [new TollgateError("CONFLICT"), {}, "false"],
  IDEMPOTENCY_CONFLICT: [new TollgateError("IDEMPOTENCY_CONFLICT"), {}, "false"],
  PAYLOAD_TOO_LARGE: [new TollgateError("PAYLOAD_TOO_LARGE"), {}, undefined],
  URI_TOO_LONG: [new TollgateError("URI_TOO_LONG"), {}, undefined],
  UNSUPPORTED_MEDIA_TYPE: [new TollgateError("UNSUPPORTED_MEDIA_TYPE"), {}, undefined],
  EXPECTATION_FAILED: [new TollgateError("EXPECTATION_FAILED"), {}, undefined],
  RATE_LIMITED: [
    new TollgateError("RATE_LIMITED", { limit: "user-minute", retryAfterMs: 41_873, resetAtMs }),
    { limit: "user-minute", resetAt },
    "true",
  ],
  QUOTA_EXCEEDED: [
    new TollgateError("QUOTA_EXCEEDED", { limit: "key-day", violated, retryAfterMs: 10, resetAtMs }),
    { limit: "key-day", violated, resetAt },
    "false",
  ],
  COOLDOWN: [
    new TollgateError("COOLDOWN", { limit: "key-cooldown", retryAfterMs: 60_000, resetAtMs }),
    { limit: "key-cooldown", resetAt },
    "true",
  ],
  PROVIDER_RATE_LIMITED: [new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: 3_000 }), {}, "true"],
  HEADERS_TOO_LARGE: [new TollgateError("HEADERS_TOO_LARGE"), {}, undefined],
  PROVIDER_REJECTED: [
    new TollgateError("PROVIDER_REJECTED", { status: 422, message: "too hot", param: "temperature" }),
    { param: "temperature", message: "too hot" },
    undefined,
  ],
  INTERNAL: [new TollgateError("INTERNAL"), {}, undefined],
  PROVIDER_FAILED: [new TollgateError("PROVIDER_FAILED"), {}, undefined],
  OVERLOADED: [new TollgateError("OVERLOADED", { retryAfterMs: 1_000 }), {}, "true"],
  PROVIDER_UNAVAILABLE: [
    new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs: 60_000, resetAtMs }),
    { resetAt },
    "true",
  ],
  STORE_UNAVAILABLE: [new TollgateError("STORE_UNAVAILABLE"), {}, "true"],
  PROVIDER_TIMEOUT: [new TollgateError("PROVIDER_TIMEOUT"), {}, undefined],
};

test("every error has the one envelope, which the official OpenAI client reads as well", () => {
  for (const [code, [error, extra]] of Object.entries(all)) {
    const { message, type } = errors[code as ErrorCode];
    assert.deepEqual(JSON.parse(errorBody(error, id)), {
      error: { code, message, type, param: null, correlationId: id, ...extra },
    });
  }
});

test("every 429 and 503 says how long to wait, and no other error does", () => {
  for (const [code, [error]] of Object.entries(all)) {
    const headers = errorHeaders(error);
    const waits = error.status === 429 || error.status === 503;
    assert.equal(headers["retry-after"] !== undefined, waits, code);
    assert.equal(headers["retry-after-ms"] !== undefined, waits, code);
  }
});

test("every 402, 409, 429 and 503 says whether to try again", () => {
  for (const [code, [error, , shouldRetry]] of Object.entries(all)) {
    assert.equal(errorHeaders(error)["x-should-retry"], shouldRetry, code);
    if ([402, 409, 429, 503].includes(error.status)) assert.notEqual(shouldRetry, undefined, code);
  }
});

test("a wait of more than a minute is not sat out by a client, whoever asks for it", () => {
  const retryAfterMs = 60_001;
  for (const error of [
    new TollgateError("RATE_LIMITED", { limit: "user-minute", retryAfterMs, resetAtMs }),
    new TollgateError("COOLDOWN", { limit: "key-cooldown", retryAfterMs, resetAtMs }),
    new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs }),
    new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs }),
    new TollgateError("OVERLOADED", { retryAfterMs }),
  ]) {
    assert.equal(errorHeaders(error)["x-should-retry"], "false", error.code);
    assert.equal(errorHeaders(error)["retry-after"], "61");
  }
});

test("a daily quota is never worth another try today, and says that it is one", () => {
  const details = { limit: "user-day", retryAfterMs: 5_000, resetAtMs, reason: "daily_quota" } as const;
  const error = new TollgateError("RATE_LIMITED", details);
  assert.equal(errorHeaders(error)["x-should-retry"], "false");
  const { reason, type } = JSON.parse(errorBody(error, id)).error;
  assert.deepEqual([reason, type], ["daily_quota", "insufficient_quota"]);
});

test("those who wait for midnight are spread over half a minute, and nobody comes too early", () => {
  const retryAfterMs = 5_000_123;
  const waiting = { limit: "user-day", retryAfterMs, resetAtMs };
  const chance = seededChance(1);
  const waits = new Set<number>();
  for (let i = 0; i < 500; i++) {
    for (const error of [
      new TollgateError("QUOTA_EXCEEDED", waiting),
      new TollgateError("RATE_LIMITED", { ...waiting, reason: "daily_quota" }),
    ]) {
      const headers = errorHeaders(error, chance);
      const seconds = Number(headers["retry-after"]);
      assert.ok(seconds >= 5_001 && seconds <= 5_031);
      assert.equal(Math.ceil(Number(headers["retry-after-ms"]) / 1000), seconds);
      assert.equal(JSON.parse(errorBody(error, id)).error.resetAt, resetAt);
      waits.add(seconds);
    }
  }
  assert.ok(waits.size > 25);
  for (const error of [
    new TollgateError("RATE_LIMITED", waiting),
    new TollgateError("COOLDOWN", waiting),
    new TollgateError("OVERLOADED", waiting),
  ]) {
    assert.equal(errorHeaders(error, chance)["retry-after"], "5001");
  }
});

test("a wait is rounded up and never zero", () => {
  for (const [retryAfterMs, seconds, ms] of [
    [0, "1", "1"],
    [0.2, "1", "1"],
    [999, "1", "999"],
    [1_000.5, "2", "1001"],
    [41_873, "42", "41873"],
  ] as const) {
    const headers = errorHeaders(new TollgateError("OVERLOADED", { retryAfterMs }));
    assert.deepEqual([headers["retry-after"], headers["retry-after-ms"]], [seconds, ms]);
  }
});

test("a provider that limits without saying for how long is asked again after a second", () => {
  const headers = errorHeaders(new TollgateError("PROVIDER_RATE_LIMITED", { retryAfterMs: undefined }));
  assert.deepEqual(headers, { "retry-after": "1", "retry-after-ms": "1000", "x-should-retry": "true" });
});

test("401 says how to sign in, and whether what came was invalid; 405 says what is taken", () => {
  const challenge = (code: "AUTH_REQUIRED" | "AUTH_INVALID" | "AUTH_AMBIGUOUS") =>
    errorHeaders(new TollgateError(code))["www-authenticate"];
  assert.equal(challenge("AUTH_REQUIRED"), 'Bearer realm="tollgate"');
  assert.equal(challenge("AUTH_INVALID"), 'Bearer realm="tollgate", error="invalid_token"');
  assert.equal(challenge("AUTH_AMBIGUOUS"), 'Bearer realm="tollgate", error="invalid_token"');
  assert.equal(errorHeaders(all.METHOD_NOT_ALLOWED[0]).allow, "GET, POST");
});

test("no cause ever reaches a body", () => {
  for (const code of ["INTERNAL", "PROVIDER_FAILED", "STORE_UNAVAILABLE", "AUTH_INVALID"] as const) {
    const error = new TollgateError(code, undefined, { cause: new Error("hunter2") });
    assert.doesNotMatch(errorBody(error, id), /hunter2/);
  }
});

/** How Anthropic's clients know it (reference, section 4.3). */
const toAnthropic: Readonly<Partial<Record<ErrorCode, readonly [type: string, errorCode: string]>>> = {
  AUTH_REQUIRED: ["authentication_error", "auth_required"],
  AUTH_INVALID: ["authentication_error", "auth_invalid"],
  SCOPE_MISSING: ["permission_error", "scope_missing"],
  FORBIDDEN: ["permission_error", "forbidden"],
  VALIDATION_FAILED: ["invalid_request_error", "validation_failed"],
  NOT_FOUND: ["not_found_error", "not_found"],
  MODEL_NOT_FOUND: ["not_found_error", "model_not_found"],
  METHOD_NOT_ALLOWED: ["invalid_request_error", "method_not_allowed"],
  NOT_ACCEPTABLE: ["invalid_request_error", "not_acceptable"],
  CONFLICT: ["conflict_error", "conflict"],
  PAYLOAD_TOO_LARGE: ["request_too_large", "payload_too_large"],
  RATE_LIMITED: ["rate_limit_error", "rate_limited"],
  QUOTA_EXCEEDED: ["rate_limit_error", "quota_exceeded"],
  BUDGET_EXCEEDED: ["billing_error", "spend_limit_reached"],
  COOLDOWN: ["rate_limit_error", "cooldown"],
  REQUEST_EXCEEDS_LIMIT: ["invalid_request_error", "request_exceeds_limit"],
  PROVIDER_REJECTED: ["invalid_request_error", "provider_rejected"],
  INTERNAL: ["api_error", "internal"],
  PROVIDER_FAILED: ["api_error", "provider_failed"],
  OVERLOADED: ["overloaded_error", "overloaded"],
  STORE_UNAVAILABLE: ["api_error", "store_unavailable"],
  PROVIDER_TIMEOUT: ["timeout_error", "provider_timeout"],
};

test("on Anthropic's surface an error has Anthropic's form and words, and says no less", () => {
  for (const [code, [error, extra]] of Object.entries(all)) {
    const { type, error: said, request_id } = JSON.parse(errorBody(error, id, "anthropic"));
    assert.deepEqual([type, request_id, said.code, said.correlationId], ["error", id, code, id]);
    const words = toAnthropic[code as ErrorCode];
    if (words !== undefined) assert.deepEqual([said.type, said.details.error_code], words);
    const { param: _, details, ...shown } = extra as { param?: string; details?: object };
    assert.deepEqual({ ...said, ...shown }, said, code);
    assert.deepEqual(said.details.faults, details);
  }
  const daily = new TollgateError("RATE_LIMITED", {
    limit: "user-day",
    retryAfterMs: 1,
    resetAtMs,
    reason: "daily_quota",
  });
  assert.equal(JSON.parse(errorBody(daily, id, "anthropic")).error.details.error_code, "quota_exceeded");
});
