import assert from "node:assert/strict";
import { test } from "node:test";
import type { Identifier } from "../identity/identify.ts";
import type { Principal } from "../identity/principal.ts";
import { grant, principal } from "../identity/testing.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Admission, AppliedLimit } from "../limits/admit.ts";
import type { LimitsOf } from "../limits/applicable.ts";
import { limitHeaders } from "../limits/headers.ts";
import type { Standing } from "../limits/standing.ts";
import type { Ticket } from "../limits/ticket.ts";
import { newMetrics } from "../telemetry/metrics.ts";
import { admit, type EnterDeps, enter, type Gate } from "./enter.ts";

const gate: Gate = { scope: "inference:write", class: "chat" };
const limitsOf: LimitsOf = ({ principal }, use) => [
  {
    id: `${use.class}-window`,
    key: `${use.class}-window:${principal.userId}`,
    scope: "user",
    shape: "window",
    limit: principal.epoch,
    windowMs: 60_000,
    cost: 1,
    capacity: 0,
    code: "RATE_LIMITED",
  },
];
const ann = (epoch = 1, role: Principal["role"] = "developer") => principal({ epoch, role });
const standing: Standing = {
  id: "chat-window",
  unit: "requests",
  limit: 20,
  remaining: 0,
  resetMs: 42_000,
  windowMs: 60_000,
  now: 0,
};
const told = { standings: [standing], tightest: standing, degraded: false, wouldRefuse: [] };
const ticket: Ticket = { settle: async () => {}, giveBack: async () => true };
const admitted = { kind: "admitted", ticket, untaken: () => told, ...told } as const;

function refused(first: Partial<AppliedLimit>): Admission {
  const limit = { id: "chat-window", code: "RATE_LIMITED", ...first } as AppliedLimit;
  return {
    kind: "refused",
    violated: [limit.id],
    first: limit,
    retryAfterMs: 42_000,
    resetAtMs: 42_000,
    ...told,
  };
}

/** A door with the given answers of the limits, one after the other, and the principals a fresh look-up finds. */
function door(
  admissions: readonly Admission[] = [admitted],
  afresh: readonly Principal[] = [],
  changes: Partial<EnterDeps> = {},
) {
  const metrics = newMetrics({ callsInFlight: () => 0 });
  const asked: (readonly AppliedLimit[])[] = [];
  const found = [...afresh];
  const reported: string[] = [];
  const identifier: Identifier = {
    async identify(token, letLookUp) {
      await letLookUp?.();
      if (token === undefined) throw new TollgateError("AUTH_REQUIRED");
      if (token !== "good") throw new TollgateError("AUTH_INVALID");
      return ann();
    },
    identifyAfresh: async () => found.shift()!,
    appOf: (key) => (key === "of-an-app" ? "app-1" : undefined),
    noticeEpoch: () => {},
    refreshEpoch: async () => {},
    flushLastUse: async () => {},
  };
  const headers: Record<string, string> = {};
  const deps = {
    identifier,
    metrics,
    limitsOf,
    scopesMode: "enforce" as const,
    abuse: { letLookUp: async () => {} },
    onWouldRefuse: (what: readonly string[]) => void reported.push(...what),
    admit: async (limits: readonly AppliedLimit[]) => {
      asked.push(limits);
      return admissions[asked.length - 1]!;
    },
    ...changes,
  };
  const visitor = { principal: ann(), presented: { token: "good" }, address: "198.51.100.7" };
  return {
    identifier,
    asked,
    told: headers,
    reported,
    metrics: () => metrics.registry.metrics(),
    enter: (rawHeaders: readonly string[], wanted: Gate = gate) =>
      enter(deps, { rawHeaders, address: "198.51.100.7" }, wanted),
    admit: () =>
      admit(deps, visitor, gate, undefined, (report) => Object.assign(headers, limitHeaders(report))),
  };
}

test("who is identified and allowed comes in, and is counted by the kind of credential", async () => {
  const { enter, metrics } = door();
  const visitor = await enter(["Authorization", "Bearer good"]);
  assert.deepEqual(visitor, {
    principal: ann(),
    presented: { token: "good" },
    address: "198.51.100.7",
    device: undefined,
  });
  assert.match(await metrics(), /auth_requests_total\{outcome="accepted",method="static"\} 1/);
});

test("who is not is refused with the right code, and counted by it", async () => {
  const { enter, metrics } = door();
  for (const [headers, wanted, code] of [
    [[], gate, "AUTH_REQUIRED"],
    [["Authorization", "Bearer bad"], gate, "AUTH_INVALID"],
    [["Authorization", "Basic x"], gate, "AUTH_INVALID"],
    [["x-api-key", "a", "x-api-key", "b"], gate, "BAD_CREDENTIALS_HEADER"],
    [["Authorization", "Bearer good"], { ...gate, scope: "admin:*" }, "SCOPE_MISSING"],
  ] as const) {
    await assert.rejects(enter(headers, wanted), { code });
    assert.ok((await metrics()).includes(`auth_requests_total{outcome="${code}",method="none"}`));
  }
});

test("an admitted call is told where it stands", async () => {
  const { admit, told } = door();
  await admit();
  assert.deepEqual([told["X-RateLimit-Limit"], told["X-RateLimit-Remaining"]], ["20", "0"]);
});

test("a refused call is told why, until when, and where it stands", async () => {
  for (const [first, code, details] of [
    [{}, "RATE_LIMITED", { limit: "chat-window" }],
    [{ id: "user-day", reason: "daily_quota" }, "RATE_LIMITED", { limit: "user-day", reason: "daily_quota" }],
    [{ id: "key-day", code: "QUOTA_EXCEEDED" }, "QUOTA_EXCEEDED", { limit: "key-day" }],
    [{ id: "key-cooldown", code: "COOLDOWN" }, "COOLDOWN", { limit: "key-cooldown" }],
  ] as const) {
    const { admit, told, metrics } = door([refused(first)]);
    await assert.rejects(admit(), {
      code,
      details: { ...details, retryAfterMs: 42_000, resetAtMs: 42_000, violated: [details.limit] },
    });
    assert.equal(told["X-RateLimit-Limit"], "20");
    const counted =
      code === "QUOTA_EXCEEDED"
        ? "auth_quota_exceeded_total 1"
        : `auth_rate_limit_hits_total{limit="${details.limit}"} 1`;
    assert.ok((await metrics()).includes(counted), counted);
  }
});

test("a call that can never fit is not told to wait", async () => {
  const { admit } = door([{ kind: "neverFits", limit: "chat-window" }]);
  await assert.rejects(admit(), { code: "REQUEST_EXCEEDS_LIMIT", details: { limit: "chat-window" } });
});

test("a stale identity is read afresh and judged anew by what it may do now", async () => {
  const renewed = door([{ kind: "stale", epoch: 2 }, admitted], [ann(2)]);
  assert.equal((await renewed.admit()).visitor.principal.epoch, 2);
  assert.deepEqual(
    renewed.asked.map(([first]) => first?.limit),
    [1, 2],
  );
  const demoted = door([{ kind: "stale", epoch: 2 }, admitted], [ann(2, "viewer")]);
  await assert.rejects(demoted.admit(), { code: "SCOPE_MISSING" });
  assert.equal(demoted.asked.length, 1);
});

test("an identity that stays stale is not let in", async () => {
  const { admit } = door(
    [2, 3, 4, 5].map((epoch) => ({ kind: "stale", epoch })),
    [ann(2), ann(3), ann(4)],
  );
  await assert.rejects(admit(), { code: "STORE_UNAVAILABLE" });
});

test("a decision without the shared counters is counted", async () => {
  const { admit, metrics, told } = door([{ ...admitted, degraded: true }]);
  await admit();
  assert.equal(told["X-RateLimit-Degraded"], "local");
  assert.match(await metrics(), /rate_limit_degraded_total 1/);
});

test("an address that may not look up is refused before its credential is", async () => {
  const refusal = new TollgateError("COOLDOWN", { limit: "address-cooldown", retryAfterMs: 1, resetAtMs: 1 });
  const { enter } = door([], [], { abuse: { letLookUp: () => Promise.reject(refusal) } });
  await assert.rejects(enter(["Authorization", "Bearer bad"]), { code: "COOLDOWN" });
});

test("scopes that only report let a key through and say so, but never an administrator's", async () => {
  const key = grant({ scopes: [], ownerRole: "admin" });
  const who = principal({ role: "admin", credential: { kind: "key" }, key });
  const { identifier } = { identifier: { ...door().identifier, identify: async () => who } };
  for (const [scopesMode, reported] of [
    ["report", ["scope inference:write"]],
    ["off", []],
  ] as const) {
    const passing = door([], [], { identifier, scopesMode });
    await passing.enter(["Authorization", "Bearer good"]);
    assert.deepEqual(passing.reported, reported);
    await assert.rejects(passing.enter([], { ...gate, scope: "admin:*" }), { code: "SCOPE_MISSING" });
  }
});

test("limits that only report are told to whoever watches the roll-out", async () => {
  const { admit, reported } = door([{ ...admitted, wouldRefuse: ["user-minute"] }]);
  await admit();
  assert.deepEqual(reported, ["user-minute"]);
});

const ofApp: Gate = { scope: "assist:write", class: "assist", appKey: true };
const ofKey = principal({
  userId: "usr_app",
  credential: { kind: "key" },
  key: grant({ scopes: ["assist:write"] }),
});

/** Tokens of a user, of an app's API key and of nobody. */
function appDoor() {
  const usual = door();
  return door([], [], {
    identifier: {
      ...usual.identifier,
      identify: async (token, letLookUp) =>
        token === "key" ? ofKey : usual.identifier.identify(token, letLookUp),
    },
  });
}

test("beside an app's key a user comes in as one with it, whether the key is static or one of ours", async () => {
  const { enter } = appDoor();
  const staticKey = await enter(["Authorization", "Bearer good", "X-API-Key", "of-an-app"], ofApp);
  assert.deepEqual(staticKey.principal, { ...ann(), app: "app-1" });
  const ours = await enter(["Authorization", "Bearer good", "X-API-Key", "key"], ofApp);
  assert.deepEqual(ours.principal, { ...ann(), key: ofKey.key });
});

test("where an app's key is asked for, its lack is told first, then its user's", async () => {
  const { enter } = appDoor();
  for (const [headers, code] of [
    [[], "AUTH_REQUIRED"],
    [["Authorization", "Bearer bad"], "AUTH_REQUIRED"],
    [["Authorization", "Bearer good", "X-API-Key", "unknown"], "AUTH_INVALID"],
    [["Authorization", "Bearer good", "X-API-Key", "good"], "AUTH_INVALID"],
    [["X-API-Key", "unknown"], "AUTH_INVALID"],
    [["X-API-Key", "of-an-app"], "AUTH_REQUIRED"],
    [["X-API-Key", "key"], "AUTH_REQUIRED"],
    [["Authorization", "Bearer bad", "X-API-Key", "of-an-app"], "AUTH_INVALID"],
    [["Authorization", "Bearer key", "X-API-Key", "of-an-app"], "AUTH_INVALID"],
    [["Authorization", "Bearer key", "X-API-Key", "key"], "AUTH_INVALID"],
  ] as const) {
    await assert.rejects(enter(headers, ofApp), { code }, JSON.stringify(headers));
  }
  await assert.rejects(enter(["X-API-Key", "of-an-app"]), { code: "AUTH_INVALID" }, "a static key is nobody");
});
