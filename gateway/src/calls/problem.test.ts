import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, errors, TollgateError } from "../lib/errors.ts";
import { asksForProblem, problemBody } from "./problem.ts";

const id = "req_0123456789";
const resetAtMs = Date.UTC(2026, 10, 23);

test("an error in the problem form says what the envelope says", () => {
  const violated = ["user-minute", "ip-minute"];
  const error = new TollgateError("RATE_LIMITED", {
    limit: "user-minute",
    violated,
    retryAfterMs: 1_000,
    resetAtMs,
  });
  assert.deepEqual(JSON.parse(problemBody(error, id)), {
    type: "urn:tollgate:error:rate-limited",
    title: errors.RATE_LIMITED.message,
    status: 429,
    detail: errors.RATE_LIMITED.message,
    instance: `urn:correlation:${id}`,
    code: "RATE_LIMITED",
    correlationId: id,
    limit: "user-minute",
    "violated-policies": violated,
    resetAt: "2026-11-23T00:00:00.000Z",
  });
  const faults = [{ path: "model", message: "must be a text" }];
  assert.deepEqual(
    JSON.parse(problemBody(new TollgateError("VALIDATION_FAILED", { faults }), id)).details,
    faults,
  );
});

test("a problem's title belongs to its type, and its detail to this occurrence", () => {
  const error = new TollgateError("PROVIDER_REJECTED", { status: 422, message: "Too hot.", param: null });
  const { title, detail, status } = JSON.parse(problemBody(error, id));
  assert.deepEqual([title, detail, status], [errors.PROVIDER_REJECTED.message, "Too hot.", 422]);
});

test("every problem type is an absolute URI of its own", () => {
  const codes = Object.keys(errors) as ErrorCode[];
  const types = codes.map((code) => JSON.parse(problemBody(bare(code), id)).type);
  assert.equal(new Set(types).size, codes.length);
  for (const type of types) assert.ok(URL.canParse(type));
});

test("the problem form is sent to those who name it in Accept, and to nobody else", () => {
  for (const accept of [
    "application/problem+json",
    "application/json, application/problem+json",
    "text/html;q=0.8, Application/Problem+JSON; q=0.5",
  ]) {
    assert.equal(asksForProblem(accept), true, accept);
  }
  for (const accept of [
    undefined,
    "",
    "*/*",
    "application/*",
    "application/json",
    "application/problem+xml",
    "application/problem+json;q=0",
    "application/problem+json; q=0.000",
    "text/event-stream",
  ]) {
    assert.equal(asksForProblem(accept), false, accept);
  }
});

/** An error of any code; what a form says of its details is another promise. */
function bare(code: ErrorCode): TollgateError {
  const details = { faults: [], resetAtMs, retryAfterMs: 1, status: 400, message: "x", param: null };
  return new TollgateError(code as "PROVIDER_REJECTED", details);
}
