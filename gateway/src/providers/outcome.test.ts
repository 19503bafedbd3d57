import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "./breaker.ts";
import { classOf, type Fate, type FateClass, verdictOf, verdicts } from "./outcome.ts";

type Row = readonly [Outcome, retryable: boolean, fallback: boolean, ...fates: readonly Fate[]];

const status = (...codes: readonly number[]): readonly Fate[] =>
  codes.map((code) => ({ kind: "status", status: code }));

/** The reference's table, line by line. */
const lines: Readonly<Record<FateClass, Row>> = {
  answered: ["ok", false, false, { kind: "answered" }],
  unreached: ["failure", true, true, { kind: "connect" }, { kind: "cut" }],
  slow: ["failure", true, true, { kind: "timeout", waitedMs: 10_000 }],
  silent: ["failure", false, true, { kind: "timeout", waitedMs: 10_001 }],
  failing: ["failure", true, true, ...status(408, 500, 502, 503, 504, 520, 521, 522, 523, 524)],
  broken: ["failure", false, true, ...status(501, 505, 525, 599)],
  overloaded: [
    "failure",
    false,
    true,
    ...status(529),
    { kind: "status", status: 529, retryAfterMs: 2_001 },
    { kind: "status", status: 503, code: "overloaded_error" },
  ],
  overloadedBriefly: ["failure", true, true, { kind: "status", status: 529, retryAfterMs: 2_000 }],
  limited: ["alive", false, true, ...status(429), { kind: "status", status: 429, retryAfterMs: 2_001 }],
  limitedBriefly: ["alive", true, true, { kind: "status", status: 429, retryAfterMs: 2_000 }],
  unpaid: [
    "alive",
    false,
    true,
    ...status(402),
    { kind: "status", status: 429, code: "insufficient_quota", retryAfterMs: 1 },
    { kind: "status", status: 429, code: "credit_balance_exhausted", shouldRetry: true },
    { kind: "status", status: 429, code: "enforced_spend_limit_reached" },
    { kind: "status", status: 429, code: "billing_not_active" },
    { kind: "status", status: 400, code: "billing_hard_limit_reached" },
    { kind: "status", status: 400, code: "billing_error" },
  ],
  unauthorized: ["alive", false, true, ...status(401, 403)],
  rejected: ["alive", false, false, ...status(400, 404, 405, 409, 413, 422, 451)],
  garbled: ["failure", true, true, { kind: "protocol" }, ...status(301, 304)],
  streamBroken: [
    "failure",
    false,
    false,
    { kind: "streamCut" },
    { kind: "streamError" },
    { kind: "streamError", status: 500 },
    { kind: "streamError", status: 408 },
    { kind: "streamError", code: "overloaded_error" },
  ],
  streamRejected: [
    "alive",
    false,
    false,
    { kind: "streamError", status: 400, code: "tool_use_failed" },
    { kind: "streamError", status: 429 },
    { kind: "streamError", code: "insufficient_quota" },
  ],
  unknown: ["neutral", false, false, { kind: "clientLeft" }, { kind: "refused" }],
};

for (const [name, [breaker, retryable, fallback, ...fates]] of Object.entries(lines)) {
  test(`what follows from a call that was ${name}`, () => {
    assert.deepEqual(verdicts[name as FateClass], { breaker, retryable, fallback });
    for (const fate of fates) {
      assert.equal(classOf(fate), name, JSON.stringify(fate));
      assert.deepEqual(verdictOf(fate), { breaker, retryable, fallback }, JSON.stringify(fate));
    }
  });
}

test("a provider that says whether to try again is believed, and still counts as what it is", () => {
  const failing = { kind: "status", status: 500, shouldRetry: false } as const;
  assert.deepEqual(verdictOf(failing), { breaker: "failure", retryable: false, fallback: true });
  const conflict = { kind: "status", status: 409, shouldRetry: true } as const;
  assert.deepEqual(verdictOf(conflict), { breaker: "alive", retryable: true, fallback: false });
});

test("no answer that one caller can provoke alone counts against the provider", () => {
  for (const code of [400, 401, 402, 403, 404, 409, 413, 422, 429]) {
    assert.notEqual(verdictOf({ kind: "status", status: code }).breaker, "failure", String(code));
  }
  for (const kind of ["clientLeft", "refused"] as const) assert.equal(verdictOf({ kind }).breaker, "neutral");
});
