import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import Anthropic, {
  APIError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  PaymentRequiredError,
  PermissionDeniedError,
  RateLimitError,
  ServiceUnavailableError,
} from "@anthropic-ai/sdk";
import { TollgateError } from "../lib/errors.ts";
import { seededChance } from "../lib/ids.ts";
import { errorBody, errorHeaders } from "./envelope.ts";

const id = "req_0123456789";
const resetAtMs = Date.UTC(2026, 10, 23);
const message = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "m",
  content: [{ type: "text", text: "Hello." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 1, output_tokens: 1 },
};

/** A server that refuses with these errors, one after the other, and then answers; the official client asks it. */
async function ask(refusals: readonly TollgateError[], maxRetries: number) {
  const askedAt: number[] = [];
  await using server = createServer((_request, response) => {
    const error = refusals[askedAt.length];
    askedAt.push(performance.now());
    response.setHeader("content-type", "application/json");
    response.setHeader("request-id", id);
    if (error === undefined) response.end(JSON.stringify(message));
    else {
      response.writeHead(error.status, errorHeaders(error, seededChance(1)));
      response.end(errorBody(error, id, "anthropic"));
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new Anthropic({
    apiKey: "sk-x",
    baseURL: `http://127.0.0.1:${port}`,
    maxRetries,
    logLevel: "off",
  });
  const outcome = await client.messages
    .create({ model: "m", max_tokens: 1, messages: [{ role: "user", content: "Hello?" }] })
    .then(
      (answer) => ({ answer }),
      (error: unknown) => ({ error }),
    );
  server.closeAllConnections();
  const waitsMs = askedAt.slice(1).map((at, i) => at - askedAt[i]!);
  return { ...outcome, calls: askedAt.length, waitsMs };
}

const waiting = { limit: "user-minute", retryAfterMs: 1, resetAtMs };
const faults = [{ path: "max_tokens", message: "must be a whole number" }];

test("the official Anthropic client raises its own error for each of ours, with our code and id", async () => {
  for (const [error, kind, type, errorCode] of [
    [new TollgateError("AUTH_REQUIRED"), AuthenticationError, "authentication_error", "auth_required"],
    [
      new TollgateError("SCOPE_MISSING", { requiredScope: "x" }),
      PermissionDeniedError,
      "permission_error",
      "scope_missing",
    ],
    [
      new TollgateError("VALIDATION_FAILED", { faults }),
      BadRequestError,
      "invalid_request_error",
      "validation_failed",
    ],
    [new TollgateError("NOT_FOUND"), NotFoundError, "not_found_error", "not_found"],
    [
      new TollgateError("BUDGET_EXCEEDED", { budget: "1" }),
      PaymentRequiredError,
      "billing_error",
      "spend_limit_reached",
    ],
    [new TollgateError("RATE_LIMITED", waiting), RateLimitError, "rate_limit_error", "rate_limited"],
    [new TollgateError("COOLDOWN", waiting), RateLimitError, "rate_limit_error", "cooldown"],
    [
      new TollgateError("OVERLOADED", { retryAfterMs: 1 }),
      ServiceUnavailableError,
      "overloaded_error",
      "overloaded",
    ],
    [new TollgateError("STORE_UNAVAILABLE"), ServiceUnavailableError, "api_error", "store_unavailable"],
    [new TollgateError("PROVIDER_FAILED"), InternalServerError, "api_error", "provider_failed"],
  ] as const) {
    const { error: raised } = (await ask([error], 0)) as { error?: unknown };
    assert.ok(raised instanceof kind && raised instanceof APIError, error.code);
    assert.deepEqual([raised.status, raised.type, raised.errorCode], [error.status, type, errorCode]);
    assert.deepEqual([raised.requestID, raised.apiMessage], [id, error.message]);
  }
});

test("the official Anthropic client sits a short limit out to the millisecond, and is answered", async () => {
  const limit = new TollgateError("RATE_LIMITED", { ...waiting, retryAfterMs: 700 });
  const asked = await ask([limit, limit], 2);
  assert.ok("answer" in asked);
  assert.equal(asked.calls, 3);
  for (const ms of asked.waitsMs) assert.ok(ms >= 695 && ms < 1_500, `waited ${ms} ms`);
});

test("the official Anthropic client comes back after an overload when it was told to", async () => {
  const asked = await ask([new TollgateError("OVERLOADED", { retryAfterMs: 1_200 })], 2);
  assert.ok("answer" in asked);
  assert.equal(asked.calls, 2);
  assert.ok(asked.waitsMs[0]! >= 1_195 && asked.waitsMs[0]! < 2_500);
});

test("the official Anthropic client asks once where waiting is no use", async () => {
  for (const error of [
    new TollgateError("QUOTA_EXCEEDED", { ...waiting, limit: "key-day" }),
    new TollgateError("RATE_LIMITED", { ...waiting, reason: "daily_quota" }),
    new TollgateError("RATE_LIMITED", { ...waiting, retryAfterMs: 60_001 }),
    new TollgateError("COOLDOWN", { ...waiting, retryAfterMs: 3_600_000 }),
    new TollgateError("BUDGET_EXCEEDED", { budget: "1" }),
    new TollgateError("REQUEST_EXCEEDS_LIMIT", { limit: "key-tokens-minute" }),
    new TollgateError("CONFLICT"),
  ]) {
    const { calls, ...rest } = await ask([error, error, error], 2);
    assert.ok("error" in rest);
    assert.equal(calls, 1, error.code);
  }
});
