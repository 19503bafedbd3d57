import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { generateText } from "ai";
import fc from "fast-check";
import OpenAI from "openai";
import { errors } from "../../gateway/src/lib/errors.ts";
import { describeError } from "./errors.describe.ts";
import { parseTollgateError } from "./errors.parse.ts";
import { TollgateError } from "./errors.ts";
import { errorType } from "./errors.types.ts";

const now = Date.UTC(2026, 0, 1);
const iso = (ms: number) => new Date(ms).toISOString();

const limited = {
  code: "RATE_LIMITED",
  message: "Rate limit reached. Please try again later.",
  type: "rate_limit_error",
  param: null,
  correlationId: "req_0123456789",
  limit: "key-minute",
  resetAt: iso(now + 45_000),
};

test("every code of the gateway has a type of its own choosing", () => {
  for (const code of Object.keys(errors)) {
    const type = errorType({ code, status: undefined, word: undefined, hasCredential: false });
    assert.ok(type !== "UNKNOWN" || code === "INTERNAL", code);
  }
});

test("a body is read as text, parsed, and in the form of Anthropic's routes", () => {
  const body = { error: limited };
  const anthropic = { type: "error", error: { ...limited, details: { error_code: "rate_limited" } } };
  for (const form of [body, JSON.stringify(body), limited, anthropic, JSON.stringify(anthropic)]) {
    const error = parseTollgateError(form, { now });
    assert.ok(error.type === "RATE_LIMITED");
    assert.equal(error.limit, "key-minute");
    assert.equal(error.correlationId, "req_0123456789");
    assert.equal(error.retryAfterSeconds, 45);
  }
});

test("a budget that refuses says whose it is and what is left of it", () => {
  const budget = { budget: "7", scope: "project", id: "3", period: "month", remaining_usd: "0.3" };
  const said = { code: "BUDGET_EXCEEDED", message: "", ...budget, resetAt: "2026-12-01T00:00:00.000Z" };
  const error = parseTollgateError({ error: said }, { now });
  assert.ok(error.type === "BUDGET_EXCEEDED");
  const { scope, id, period, remaining_usd, resetAt } = error;
  assert.deepEqual({ budget: error.budget, scope, id, period, remaining_usd }, budget);
  assert.equal(resetAt, said.resetAt);
});

test("a bare 401 means an invalid credential if one was sent, else a missing one", () => {
  assert.equal(parseTollgateError("", { status: 401 }).type, "AUTH_REQUIRED");
  assert.equal(parseTollgateError("", { status: 401, hasCredential: true }).type, "AUTH_INVALID");
});

test("an unknown code is judged by its status", () => {
  const typeOf = (status: number) =>
    parseTollgateError({ error: { code: "NEW", message: "" } }, { status }).type;
  const expected = { 402: "BUDGET_EXCEEDED", 418: "VALIDATION_FAILED", 429: "RATE_LIMITED", 500: "UNKNOWN" };
  for (const [status, type] of Object.entries(expected)) assert.equal(typeOf(Number(status)), type);
  assert.equal(typeOf(503), "OVERLOADED");
});

test("the faults of a request are listed, whichever client's form they come in", () => {
  const faults = [{ path: "messages[0].role", message: "is missing" }];
  const said = { code: "VALIDATION_FAILED", message: "" };
  for (const details of [faults, { error_code: "validation_failed", faults }]) {
    const error = parseTollgateError({ error: { ...said, details } });
    assert.deepEqual(error.type === "VALIDATION_FAILED" && error.details, faults);
  }
});

test("the wait is counted by the gateway's clock, whatever this device's says", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e10, max: 1e10 }),
      fc.integer({ min: -1e6, max: 1e6 }),
      (skewMs, leftMs) => {
        const serverNow = Math.floor((now + skewMs) / 1000) * 1000;
        const headers = new Headers({ date: new Date(serverNow).toUTCString() });
        const body = { error: { ...limited, resetAt: iso(serverNow + leftMs) } };
        const error = parseTollgateError(body, { now, headers });
        assert.equal(error.retryAfterSeconds, Math.max(0, Math.ceil(leftMs / 1000)));
        assert.equal(error.retryAt, now + leftMs);
      },
    ),
  );
});

test("without a time of reset, Retry-After says how long", () => {
  const waitOf = (headers: Record<string, string>) =>
    parseTollgateError("", { status: 429, headers, now }).retryAfterSeconds;
  assert.equal(waitOf({ "retry-after": "7" }), 7);
  assert.equal(waitOf({ "retry-after": "7", "retry-after-ms": "1500" }), 2);
  assert.equal(waitOf({ "Retry-After": new Date(now + 9_000).toUTCString() }), 9);
  assert.equal(waitOf({}), undefined);
});

test("reading an error never fails, whatever it is given", () => {
  const things = fc.oneof(fc.anything({ withNullPrototype: true }), fc.json(), fc.string());
  fc.assert(
    fc.property(things, things, (thing, inner) => {
      for (const thrown of [thing, { error: thing }, new Error(String(inner === thing), { cause: thing })]) {
        const error = parseTollgateError(thrown, { now });
        assert.ok(error instanceof TollgateError);
        assert.equal(typeof describeError(error, { now }).title, "string");
      }
    }),
  );
});

test("an error that was read once is itself, however deep it lies", () => {
  const error = parseTollgateError({ error: limited }, { now });
  assert.equal(parseTollgateError(error), error);
  assert.equal(parseTollgateError(new Error("outer", { cause: error })).type, "RATE_LIMITED");
});

const headers = {
  "content-type": "application/json",
  "x-should-retry": "false",
  "x-correlation-id": "req_0123456789",
  date: new Date(now).toUTCString(),
};
const refused = async () => new Response(JSON.stringify({ error: limited }), { status: 429, headers });
const lost = async () => Promise.reject(new TypeError("fetch failed"));
const prompt = "Hello";
const messages = [{ role: "user" as const, content: prompt }];

const clients: Readonly<Record<string, (fetch: typeof globalThis.fetch) => PromiseLike<unknown>>> = {
  openai: (fetch) =>
    new OpenAI({ apiKey: "k", fetch, maxRetries: 0 }).chat.completions.create({ model: "m", messages }),
  anthropic: (fetch) =>
    new Anthropic({ apiKey: "k", fetch, maxRetries: 0 }).messages.create({
      model: "m",
      messages,
      max_tokens: 9,
    }),
  "the AI SDK": (fetch) =>
    generateText({
      model: createOpenAICompatible({ name: "tollgate", baseURL: "http://gate.test/v1", fetch })("m"),
      prompt,
      maxRetries: 0,
    }),
  "the AI SDK, after retries,": (fetch) =>
    generateText({
      model: createOpenAICompatible({ name: "tollgate", baseURL: "http://gate.test/v1", fetch: soon(fetch) })(
        "m",
      ),
      prompt,
      maxRetries: 1,
    }),
};

function raised(work: PromiseLike<unknown>): Promise<TollgateError> {
  return Promise.resolve(work).then(
    () => assert.fail("no error"),
    (thrown: unknown) => parseTollgateError(thrown, { now }),
  );
}

/** The AI SDK waits as long as it is told, within reason. */
function soon(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (...request) => {
    const response = await fetch(...request);
    response.headers.set("retry-after-ms", "1");
    return response;
  };
}

for (const [name, ask] of Object.entries(clients)) {
  test(`what ${name} throws is read`, async () => {
    const error = await raised(ask(refused));
    assert.ok(error.type === "RATE_LIMITED", `${error.type} ${error.message}`);
    assert.deepEqual(
      [error.status, error.code, error.limit, error.correlationId, error.retryAfterSeconds],
      [429, "RATE_LIMITED", "key-minute", "req_0123456789", 45],
    );
    const broken = await raised(ask(lost));
    assert.equal(broken.type, "NETWORK_UNREACHABLE");
  });
}

test("what fetch and the official clients throw without an answer is told apart", () => {
  const typeOf = (error: Error) => parseTollgateError(error).type;
  assert.equal(typeOf(new OpenAI.APIUserAbortError()), "ABORTED");
  assert.equal(typeOf(new Anthropic.APIUserAbortError()), "ABORTED");
  assert.equal(typeOf(new DOMException("This operation was aborted", "AbortError")), "ABORTED");
  assert.equal(typeOf(new OpenAI.APIConnectionTimeoutError()), "NETWORK_TIMEOUT");
  assert.equal(typeOf(new DOMException("The operation timed out.", "TimeoutError")), "NETWORK_TIMEOUT");
  for (const message of [
    "Failed to fetch",
    "Load failed",
    "NetworkError when attempting to fetch resource.",
  ]) {
    assert.equal(typeOf(new TypeError(message)), "NETWORK_UNREACHABLE");
  }
  assert.equal(typeOf(new Error("Something else")), "UNKNOWN");
});
