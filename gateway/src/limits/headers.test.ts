import assert from "node:assert/strict";
import { test } from "node:test";
import { limitHeaders } from "./headers.ts";
import type { Standing } from "./standing.ts";

const now = Date.UTC(2026, 0, 1);
const userMinute: Standing = {
  id: "user-minute",
  limit: 20,
  remaining: 0,
  resetMs: 41_873,
  windowMs: 60_000,
  now,
};
const userDay: Standing = {
  ...userMinute,
  id: "user-day",
  limit: 100,
  remaining: 61,
  resetMs: 30_121_000,
  windowMs: 86_400_000,
};
const report = { standings: [userMinute, userDay], tightest: userMinute, degraded: false };

test("an answer tells the tightest limit and all limits", () => {
  assert.deepEqual(limitHeaders(report), {
    "X-RateLimit-Limit": "20",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": String(now / 1000 + 42),
    "X-RateLimit-Policy": "user-minute",
    "RateLimit-Policy": '"user-minute";q=20;w=60, "user-day";q=100;w=86400',
    RateLimit: '"user-minute";r=0;t=42, "user-day";r=61;t=30121',
  });
});

test("a refusal resets when the call would be admitted", () => {
  const headers = limitHeaders({ ...report, resetAtMs: now + 90_001 });
  assert.equal(headers["X-RateLimit-Reset"], String(now / 1000 + 91));
});

test("each family of headers can be left out", () => {
  assert.deepEqual(Object.keys(limitHeaders(report, ["draft11"])), ["RateLimit-Policy", "RateLimit"]);
  assert.equal(limitHeaders(report, ["legacy"]).RateLimit, undefined);
});

test("a decision without the shared counters says so", () => {
  assert.equal(limitHeaders({ ...report, degraded: true })["X-RateLimit-Degraded"], "local");
});

test("a call that meets no limit carries no limit headers", () => {
  assert.deepEqual(limitHeaders({ standings: [], tightest: undefined, degraded: true }), {});
});

test("fields stay within RFC 9651: quoted text, at most 15 digits, no window of 0 s", () => {
  const odd: Standing = { ...userMinute, id: 'a"b\\', limit: Number.MAX_SAFE_INTEGER, windowMs: 1 };
  const headers = limitHeaders({ standings: [odd], tightest: odd, degraded: false });
  assert.equal(headers["RateLimit-Policy"], '"a\\"b\\\\";q=999999999999999;w=1');
});
