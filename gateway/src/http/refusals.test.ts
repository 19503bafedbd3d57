import assert from "node:assert/strict";
import { test } from "node:test";
import type { FastifyReply, FastifyRequest } from "fastify";
import { errors, TollgateError } from "../lib/errors.ts";
import { seededChance } from "../lib/ids.ts";
import { StoreUnavailable } from "../store/outages.ts";
import { answerError, asTollgateError } from "./refusals.ts";

const withCode = (code: string) => Object.assign(new Error("internal wording"), { code });

function answered(error: unknown, accept?: string) {
  const sent: { status: number; body: string; headers: Record<string, string> } = {
    status: 0,
    body: "",
    headers: {},
  };
  const reply = {
    code: (status: number) => Object.assign(sent, { status }) && reply,
    headers: (headers: Record<string, string>) => Object.assign(sent.headers, headers) && reply,
    type: (type: string) => Object.assign(sent.headers, { "content-type": type }) && reply,
    send: (body: Buffer) => Object.assign(sent, { body: body.toString() }) && reply,
  };
  const request = {
    headers: { accept },
    routeOptions: { config: {} },
    tollgateTrace: { correlationId: "req_0123456789", error: undefined as unknown },
  };
  answerError(error, request as unknown as FastifyRequest, reply as unknown as FastifyReply, seededChance(1));
  return { ...sent, logged: request.tollgateTrace.error };
}

test("a client's mistake that Fastify finds is never a failure of ours", () => {
  for (const [code, known] of [
    ["FST_ERR_CTP_BODY_TOO_LARGE", "PAYLOAD_TOO_LARGE"],
    ["FST_ERR_CTP_INVALID_MEDIA_TYPE", "UNSUPPORTED_MEDIA_TYPE"],
    ["FST_ERR_CTP_INVALID_CONTENT_LENGTH", "BAD_REQUEST"],
    ["FST_ERR_CTP_EMPTY_JSON_BODY", "BAD_REQUEST"],
    ["FST_ERR_BAD_URL", "BAD_REQUEST"],
    ["FST_ERR_MAX_PARAM_LENGTH", "URI_TOO_LONG"],
    ["ECONNRESET", "BAD_REQUEST"],
  ] as const) {
    const error = asTollgateError(withCode(code));
    assert.equal(error.code, known);
    assert.ok(errors[known].status < 500);
  }
});

test("a database that is away is 503, everything unknown is 500", () => {
  assert.equal(asTollgateError(new StoreUnavailable("away")).code, "STORE_UNAVAILABLE");
  for (const unknown of [
    new Error("x"),
    withCode("FST_ERR_NEW"),
    withCode("toString"),
    "text",
    undefined,
    { code: "x" },
  ]) {
    assert.equal(asTollgateError(unknown).code, "INTERNAL", String(unknown));
  }
});

test("what went wrong inside never leaves the house, and always reaches the log", () => {
  const error = new Error("select * from users where password = 'hunter2'");
  const { status, body, logged } = answered(error);
  assert.equal(status, 500);
  assert.deepEqual(JSON.parse(body).error.code, "INTERNAL");
  assert.doesNotMatch(body, /hunter2|select|refusals\.test/);
  assert.equal(logged, error);
});

test("a refusal is sent as its envelope with its headers, and is no error in the log", () => {
  const { status, body, headers, logged } = answered(new TollgateError("AUTH_REQUIRED"));
  assert.equal(status, 401);
  assert.equal(JSON.parse(body).error.correlationId, "req_0123456789");
  assert.equal(headers["www-authenticate"], 'Bearer realm="tollgate"');
  assert.equal(headers["content-type"], "application/json; charset=utf-8");
  assert.equal(logged, undefined);
});

test("who asks for problems gets them, with the same status and headers", () => {
  const error = new TollgateError("OVERLOADED", { retryAfterMs: 2_000 });
  const plain = answered(error);
  const problem = answered(error, "application/problem+json");
  assert.equal(problem.headers["content-type"], "application/problem+json");
  assert.deepEqual({ ...problem.headers, "content-type": plain.headers["content-type"] }, plain.headers);
  const { status, code, instance } = JSON.parse(problem.body);
  assert.deepEqual([status, code, instance], [503, "OVERLOADED", "urn:correlation:req_0123456789"]);
});
