import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { goDuration, limitHeaders } from "./headers.ts";
import { limitIds } from "./policies.ts";
import { type Standing, tightestOf } from "./standing.ts";

const now = Date.UTC(2026, 0, 1);
const userMinute: Standing = {
  id: "user-minute",
  unit: "requests",
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
const tokens: Standing = {
  ...userMinute,
  id: "key-tokens-minute",
  unit: "tokens",
  limit: 90_000,
  remaining: 89_000,
  resetMs: 667,
};
const parallel: Standing = {
  ...userMinute,
  id: "key-parallel",
  unit: "calls",
  limit: 8,
  remaining: 7,
  resetMs: 0,
  windowMs: 120_000,
};
const report = { standings: [userMinute, userDay], tightest: userMinute, degraded: false };
const full = { ...report, standings: [userMinute, tokens, parallel, userDay] };

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

test("calls under way have a unit and no time, and tokens have no unit and are left out", () => {
  const headers = limitHeaders(full);
  assert.equal(
    headers["RateLimit-Policy"],
    '"user-minute";q=20;w=60, "key-parallel";q=8;qu="concurrent-requests", "user-day";q=100;w=86400',
  );
  assert.equal(headers.RateLimit, '"user-minute";r=0;t=42, "key-parallel";r=7, "user-day";r=61;t=30121');
  const alone = limitHeaders({ standings: [tokens], tightest: tokens, degraded: false });
  assert.equal(alone["X-RateLimit-Policy"], "key-tokens-minute");
  assert.ok(!("RateLimit" in alone) && !("RateLimit-Policy" in alone));
});

test("on OpenAI's surface requests and tokens are told as OpenAI tells them", () => {
  const { legacy, own } = split(limitHeaders(full, { surface: "openai" }));
  assert.deepEqual(legacy, limitHeaders(full));
  assert.deepEqual(own, {
    "x-ratelimit-limit-requests": "20",
    "x-ratelimit-remaining-requests": "0",
    "x-ratelimit-reset-requests": "41.873s",
    "x-ratelimit-limit-tokens": "90000",
    "x-ratelimit-remaining-tokens": "89000",
    "x-ratelimit-reset-tokens": "667ms",
  });
});

test("on Anthropic's surface requests and tokens are told as Anthropic tells them", () => {
  const { legacy, own } = split(limitHeaders(full, { surface: "anthropic" }));
  assert.deepEqual(legacy, limitHeaders(full));
  assert.deepEqual(own, {
    "anthropic-ratelimit-requests-limit": "20",
    "anthropic-ratelimit-requests-remaining": "0",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:41.873Z",
    "anthropic-ratelimit-tokens-limit": "90000",
    "anthropic-ratelimit-tokens-remaining": "89000",
    "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:00.667Z",
  });
});

test("what is not limited is not told", () => {
  const { own } = split(limitHeaders(report, { surface: "openai" }));
  assert.deepEqual(
    Object.keys(own).filter((name) => name.endsWith("tokens")),
    [],
  );
});

test("of several limits of one unit the tightest is told", () => {
  const tight = { ...tokens, id: "user-tokens-minute", remaining: 5 };
  assert.equal(tightestOf([userMinute, tokens, tight], "tokens"), tight);
  assert.equal(tightestOf([parallel], "tokens"), undefined);
});

test("a duration is written as Go writes it, to the millisecond", () => {
  for (const [ms, text] of [
    [0, "0s"],
    [0.2, "1ms"],
    [120, "120ms"],
    [1_000, "1s"],
    [1_500, "1.5s"],
    [59_999.1, "1m0s"],
    [360_000, "6m0s"],
    [86_399_999, "23h59m59.999s"],
  ] as const) {
    assert.equal(goDuration(ms), text);
  }
  fc.assert(fc.property(fc.nat(172_800_000), (ms) => assert.equal(msOf(goDuration(ms)), ms)));
});

test("a refusal resets when the call would be admitted", () => {
  const headers = limitHeaders({ ...report, resetAtMs: now + 90_001 });
  assert.equal(headers["X-RateLimit-Reset"], String(now / 1000 + 91));
});

test("each family of headers can be left out", () => {
  assert.deepEqual(Object.keys(limitHeaders(report, { styles: ["draft11"], surface: "openai" })), [
    "RateLimit-Policy",
    "RateLimit",
  ]);
  assert.equal(limitHeaders(report, { styles: ["legacy"] }).RateLimit, undefined);
  assert.deepEqual(limitHeaders(report, { styles: [] }), {});
});

test("a decision without the shared counters says so", () => {
  assert.equal(limitHeaders({ ...report, degraded: true })["X-RateLimit-Degraded"], "local");
});

test("a call that meets no limit carries no limit headers", () => {
  assert.deepEqual(limitHeaders({ standings: [], tightest: undefined, degraded: true }), {});
});

test("fields stay within RFC 9651: plain ids, at most 15 digits, no window of 0 s", () => {
  for (const id of limitIds) assert.match(id, /^[a-z]+(-[a-z]+)*$/);
  const odd: Standing = { ...userMinute, limit: Number.MAX_SAFE_INTEGER, windowMs: 1 };
  const headers = limitHeaders({ standings: [odd], tightest: odd, degraded: false });
  assert.equal(headers["RateLimit-Policy"], '"user-minute";q=999999999999999;w=1');
});

/** What every surface tells, and what one tells by its own names. */
function split(headers: Readonly<Record<string, string>>) {
  const isOwn = ([name]: [string, string]) => /^(x-ratelimit|anthropic)-/.test(name);
  const entries = Object.entries(headers);
  return {
    own: Object.fromEntries(entries.filter(isOwn)),
    legacy: Object.fromEntries(entries.filter((entry) => !isOwn(entry))),
  };
}

const unitsMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

function msOf(duration: string): number {
  const parts = [...duration.matchAll(/([\d.]+)(ms|h|m|s)/g)];
  return Math.round(parts.reduce((sum, [, value, unit]) => sum + Number(value) * unitsMs[unit!]!, 0));
}
