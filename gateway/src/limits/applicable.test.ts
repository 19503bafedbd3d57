import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyGrant } from "../identity/principal.ts";
import { grant } from "../identity/testing.ts";
import { DAY_MS } from "../lib/clock.ts";
import { applicableLimits, type EndpointClass, EPOCH_KEY, type LimitRules } from "./applicable.ts";

const everything: LimitRules = {
  windowMs: 60_000,
  perClassWindow: { capture: 20, query: 30, plan: 15, chat: 40 },
  plan: { requestsPerMinute: 100, dailyRequests: 1000 },
  keyBucket: { perMinute: 600, burst: 60 },
  addressBucket: { perMinute: 1200, burst: 120 },
  subjectOfAddress: (address) => `hidden(${address})`,
};
const nothing: LimitRules = {
  windowMs: 60_000,
  perClassWindow: {},
  plan: {},
  keyBucket: undefined,
  addressBucket: undefined,
  subjectOfAddress: (address) => address,
};

function key(dailyQuota: number | null): KeyGrant {
  return grant({ keyId: 12, quotaGroup: 9, dailyQuota });
}

function limitsOf(rules: LimitRules, endpointClass: EndpointClass, grant: KeyGrant | null = key(50)) {
  const credential = { kind: grant === null ? "static" : "key" } as const;
  const known = { userId: "usr_ann", role: "developer", credential, epoch: 5 } as const;
  const principal = grant === null ? known : { ...known, key: grant };
  return applicableLimits(rules, { principal, address: "198.51.100.7" }, endpointClass);
}

test("a call meets its limits in the order in which a refusal is reported", () => {
  const ids = limitsOf(everything, "chat").map(({ id }) => id);
  assert.deepEqual(ids, [
    "chat-window",
    "user-minute",
    "user-day",
    "key-day",
    "ip-minute",
    "key-minute",
    "epoch",
  ]);
});

test("each endpoint class has a window of its own for each user", () => {
  const windows = (["capture", "query", "plan"] as const).map((name) => limitsOf(everything, name)[0]!);
  assert.deepEqual(
    windows.map(({ key, limit, windowMs, code }) => [key, limit, windowMs, code]),
    [
      ["capture-window:capture:usr_ann", 20, 60_000, "RATE_LIMITED"],
      ["query-window:query:usr_ann", 30, 60_000, "RATE_LIMITED"],
      ["plan-window:plan:usr_ann", 15, 60_000, "RATE_LIMITED"],
    ],
  );
});

test("looking at one's own things uses up no daily quota and no class window", () => {
  const ids = limitsOf(everything, "manage").map(({ id }) => id);
  assert.deepEqual(ids, ["user-minute", "ip-minute", "key-minute", "epoch"]);
});

test("a key's own quota says QUOTA_EXCEEDED, everybody's plan RATE_LIMITED with its reason", () => {
  const limits = limitsOf(everything, "chat");
  const told = (id: string) => limits.find((limit) => limit.id === id)!;
  assert.deepEqual(
    [told("key-day"), told("user-day")].map(({ code, reason, windowMs, shape, limit }) => [
      code,
      reason,
      windowMs,
      shape,
      limit,
    ]),
    [
      ["QUOTA_EXCEEDED", undefined, DAY_MS, "dailyQuota", 50],
      ["RATE_LIMITED", "daily_quota", DAY_MS, "dailyQuota", 1000],
    ],
  );
});

test("a caller without a key has no limits of keys", () => {
  const ids = limitsOf(everything, "chat", null).map(({ id }) => id);
  assert.deepEqual(ids, ["chat-window", "user-minute", "user-day", "ip-minute", "epoch"]);
});

test("what is switched off limits nothing, and the epoch is always fenced", () => {
  assert.deepEqual(
    limitsOf(nothing, "chat", key(null)).map(({ id, key, shape, limit, cost }) => [
      id,
      key,
      shape,
      limit,
      cost,
    ]),
    [["epoch", EPOCH_KEY, "epoch", 5, 0]],
  );
});

test("a limit of zero stays a limit, with no burst to slip through", () => {
  const zero = { perMinute: 0, burst: 60 };
  const limits = limitsOf(
    { ...nothing, keyBucket: zero, addressBucket: zero, perClassWindow: { chat: 0 } },
    "chat",
    key(0),
  );
  assert.deepEqual(
    limits.slice(0, -1).map(({ id, limit, capacity }) => [id, limit, capacity]),
    [
      ["chat-window", 0, 0],
      ["key-day", 0, 0],
      ["ip-minute", 0, 0],
      ["key-minute", 0, 0],
    ],
  );
});

test("no address leaves the process, and no two limits share their state", () => {
  const limits = limitsOf(everything, "chat");
  assert.equal(limits.find(({ id }) => id === "ip-minute")?.key, "ip-minute:hidden(198.51.100.7)");
  assert.equal(new Set(limits.map(({ key }) => key)).size, limits.length);
});
