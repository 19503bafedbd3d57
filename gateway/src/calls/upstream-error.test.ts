import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anthropicMessages } from "../providers/anthropic.messages.ts";
import { openAiChat } from "../providers/openai.chat.ts";
import { verdictOf, verdicts } from "../providers/outcome.ts";
import { errorHeaders } from "./envelope.ts";
import { errorOfAnswer, errorOfFailure } from "./upstream-error.ts";

const wire = openAiChat;
const answered = (status: number, headers: Record<string, string>, body: Buffer) =>
  errorOfAnswer({ provider: "openai", status, headers, body, wire });

const body = (error: unknown) => Buffer.from(JSON.stringify({ error }));
const said = body({ message: "too hot", type: "invalid_request_error", param: "temperature", code: "x" });

test("each status of a provider means one thing to the caller", () => {
  for (const [status, code, told] of [
    [300, "PROVIDER_FAILED", 502],
    [307, "PROVIDER_FAILED", 502],
    [400, "PROVIDER_REJECTED", 400],
    [401, "PROVIDER_FAILED", 502],
    [402, "PROVIDER_FAILED", 502],
    [403, "PROVIDER_FAILED", 502],
    [404, "PROVIDER_REJECTED", 404],
    [405, "PROVIDER_FAILED", 502],
    [408, "PROVIDER_TIMEOUT", 504],
    [409, "PROVIDER_FAILED", 502],
    [413, "PROVIDER_REJECTED", 413],
    [422, "PROVIDER_REJECTED", 422],
    [429, "PROVIDER_RATE_LIMITED", 429],
    [500, "PROVIDER_FAILED", 502],
    [503, "PROVIDER_FAILED", 502],
    [504, "PROVIDER_TIMEOUT", 504],
    [529, "PROVIDER_FAILED", 502],
  ] as const) {
    const { error } = answered(status, {}, said);
    assert.deepEqual([error.code, error.status], [code, told], String(status));
    assert.match(String(error.cause), new RegExp(`answered ${status}: too hot`));
  }
});

test("the provider's own reason passes on, no longer than 2,000 characters", () => {
  for (const [answer, message, param] of [
    [said, "too hot", "temperature"],
    [body({ message: "x".repeat(5_000) }), "x".repeat(2_000), null],
    [body("plain text"), "plain text", null],
    [body({ message: "m", param: 7 }), "m", null],
    [body({ message: "m", param: "p".repeat(500) }), "m", "p".repeat(200)],
    [Buffer.from("<html>"), "The AI provider refused the request.", null],
    [Buffer.from("null"), "The AI provider refused the request.", null],
    [Buffer.alloc(0), "The AI provider refused the request.", null],
  ] as const) {
    assert.deepEqual(answered(400, {}, answer).error.details, { status: 400, message, param });
  }
});

test("a provider's wish to wait is believed if it is a time below a day", () => {
  for (const [headers, retryAfterMs] of [
    [{ "retry-after": "3" }, 3_000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": "3", "retry-after-ms": "2500" }, 2_500],
    [{ "retry-after": "3", "retry-after-ms": "soon" }, 3_000],
    [{ "retry-after-ms": "Infinity", "retry-after": "4" }, 4_000],
    [{ "retry-after-ms": "" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": "86400" }, undefined],
    [{ "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }, undefined],
    [{}, undefined],
  ] as const) {
    const { error } = answered(429, headers, said);
    assert.deepEqual(error.details, { retryAfterMs }, JSON.stringify(headers));
    assert.match(errorHeaders(error)["retry-after"]!, /^[1-9]\d*$/);
  }
});

test("a provider that wants money first is not worth another try, and tells nobody to wait", () => {
  const openAi = (code: string) => body({ message: "no money", type: "invalid_request_error", code });
  const message = "Your credit balance is too low to access the Anthropic API.";
  const anthropic = Buffer.from(
    JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } }),
  );
  for (const [status, said, by, told] of [
    [429, openAi("insufficient_quota"), openAiChat, "PROVIDER_RATE_LIMITED"],
    [400, openAi("billing_hard_limit_reached"), openAiChat, "PROVIDER_REJECTED"],
    [402, body({ message: "Insufficient credits" }), openAiChat, "PROVIDER_FAILED"],
    [400, anthropic, anthropicMessages, "PROVIDER_REJECTED"],
  ] as const) {
    const { error, fate } = errorOfAnswer({
      provider: "any",
      status,
      headers: { "retry-after": "1" },
      body: said,
      wire: by,
    });
    assert.equal(error.code, told);
    assert.deepEqual(errorHeaders(error), { "x-should-retry": "false" }, told);
    assert.deepEqual(verdictOf(fate), verdicts.unpaid, told);
  }
});

test("a credential that a provider refuses is the operator's matter, and told and logged as that", () => {
  for (const [status, told] of [
    [401, "The gateway's credential at the AI provider is refused. Tell the operator."],
    [403, "The AI provider does not allow this to the gateway's credential. Tell the operator."],
  ] as const) {
    const { error, fate } = answered(status, { "retry-after": "1" }, body({ message: "bad key" }));
    assert.deepEqual([error.code, error.message], ["PROVIDER_FAILED", told]);
    assert.deepEqual(errorHeaders(error), { "x-should-retry": "false" });
    assert.equal(error.cause, `openai answered ${status}: bad key`);
    assert.deepEqual(verdictOf(fate), verdicts.unauthorized);
  }
});

test("whatever a provider answers becomes an error with a status of its own", () => {
  fc.assert(
    fc.property(fc.integer({ min: 300, max: 599 }), fc.oneof(fc.json(), fc.string()), (status, text) => {
      const { error } = answered(status, {}, Buffer.from(text));
      assert.ok(error.status >= 400 && error.status <= 599);
    }),
  );
});

test("an exchange that fails is a timeout or a failure of the provider", () => {
  assert.equal(errorOfFailure({ kind: "timeout", cause: undefined }).code, "PROVIDER_TIMEOUT");
  for (const kind of ["connect", "cut"] as const) {
    const error = errorOfFailure({ kind, cause: undefined });
    assert.equal(error.code, "PROVIDER_FAILED");
    assert.ok(error.cause instanceof Error);
  }
});

test("what a bad answer says of its provider is kept: the status, its own code, and whether to come again", () => {
  const google = { status: "RESOURCE_EXHAUSTED", details: [{ retryDelay: "34.4s" }] };
  for (const [status, headers, error, fate] of [
    [
      429,
      { "x-should-retry": "false" },
      { code: "insufficient_quota" },
      { code: "insufficient_quota", shouldRetry: false },
    ],
    [500, { "x-should-retry": "true" }, { message: "m" }, { shouldRetry: true }],
    [429, {}, google, { retryAfterMs: 34_400 }],
  ] as const) {
    assert.deepEqual(answered(status, headers, body(error)).fate, { kind: "status", status, ...fate });
  }
  const overloaded = Buffer.from(
    JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "m" } }),
  );
  const { fate } = errorOfAnswer({
    provider: "anthropic",
    status: 529,
    headers: {},
    body: overloaded,
    wire: anthropicMessages,
  });
  assert.deepEqual(fate, { kind: "status", status: 529, code: "overloaded_error" });
});
