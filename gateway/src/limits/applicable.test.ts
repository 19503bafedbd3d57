import assert from "node:assert/strict";
import { test } from "node:test";
import type { KeyGrant } from "../identity/principal.ts";
import { grant } from "../identity/testing.ts";
import { DAY_MS } from "../lib/clock.ts";
import type { AppliedLimit } from "./admit.ts";
import {
  allLimits,
  applicableLimits,
  type EndpointClass,
  EPOCH_KEY,
  type LimitRules,
  type Use,
} from "./applicable.ts";
import type { Plan } from "./plan.ts";
import { limitIds } from "./policies.ts";

const modes = { rates: "enforce", quotas: "enforce", abuse: "enforce" } as const;
const names = {
  subjectOfAddress: (address: string) => `hidden(${address})`,
  subjectOfDevice: (device: string) => `hidden(${device})`,
};
const everything: LimitRules = {
  windowMs: 60_000,
  perClassWindow: { capture: 20, query: 30, plan: 15, chat: 40 },
  assist: {
    userPerMinute: 20,
    userPerDay: 100,
    addressPerMinute: 60,
    keyPerMinute: 61,
    devicePerMinute: 30,
    devicePerDay: 200,
  },
  keyBucket: { perMinute: 600, burst: 60 },
  addressBucket: { perMinute: 1200, burst: 120 },
  ways: {},
  modes,
  ...names,
};
const nothing: LimitRules = {
  windowMs: 60_000,
  perClassWindow: {},
  assist: {},
  keyBucket: undefined,
  addressBucket: undefined,
  ways: {},
  modes: { ...modes, abuse: "off" },
  ...names,
};
const small: Plan = { name: "small", limits: { requestsPerMinute: 100, dailyRequests: 1000 } };
const metered: Plan = { name: "metered", limits: { tokensPerMinute: 5000, callsInFlight: 8 } };

function key(dailyQuota: number | null, fields: Partial<KeyGrant> = {}): KeyGrant {
  return grant({ keyId: 12, quotaGroup: 9, dailyQuota, ...fields });
}

type Asked = {
  key?: KeyGrant | null;
  app?: string;
  plan?: Plan;
  overrides?: Record<string, number>;
  device?: string;
  call?: Use["call"];
};

function limitsOf(rules: LimitRules, name: EndpointClass, asked: Asked = {}): readonly AppliedLimit[] {
  const { key: held = key(50), plan = small, overrides = {}, device, call, app } = asked;
  const credential = { kind: held === null ? "static" : "key" } as const;
  const known = { userId: "usr_ann", role: "developer", credential, plan, overrides, epoch: 5 } as const;
  const beside = app === undefined ? known : { ...known, app };
  const principal = held === null ? beside : { ...known, key: held };
  const use = call === undefined ? { class: name } : { class: name, call };
  return applicableLimits(rules)({ principal, address: "198.51.100.7", device }, use);
}

const idsOf = (limits: readonly AppliedLimit[]) => limits.map(({ id }) => id);

test("a call meets its limits in the order in which a refusal is reported", () => {
  assert.deepEqual(idsOf(limitsOf(everything, "chat")), [
    "key-cooldown",
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
  const windows = (["capture", "query", "plan"] as const).map((name) => limitsOf(everything, name)[1]!);
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
  const ids = idsOf(limitsOf(everything, "manage"));
  assert.deepEqual(ids, ["key-cooldown", "user-minute", "ip-minute", "key-minute", "epoch"]);
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
  const ids = idsOf(limitsOf(everything, "chat", { key: null }));
  assert.deepEqual(ids, ["user-cooldown", "chat-window", "user-minute", "user-day", "ip-minute", "epoch"]);
});

test("what is switched off limits nothing, and the epoch is always fenced", () => {
  assert.deepEqual(
    limitsOf(nothing, "chat", { key: key(null), plan: { name: "none", limits: {} } }).map(
      ({ id, key, shape, limit, cost }) => [id, key, shape, limit, cost],
    ),
    [["epoch", EPOCH_KEY, "epoch", 5, 0]],
  );
});

test("a limit of zero stays a limit, with no burst to slip through", () => {
  const zero = { perMinute: 0, burst: 60 };
  const limits = limitsOf(
    { ...nothing, keyBucket: zero, addressBucket: zero, perClassWindow: { chat: 0 } },
    "chat",
    { key: key(0), plan: { name: "none", limits: {} } },
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

test("the assistant's seven limits are reported in their order, the device's last", () => {
  const ids = idsOf(limitsOf(everything, "assist", { key: key(null), device: "phone" }));
  assert.deepEqual(
    ids.filter((id) => id.startsWith("assist")),
    [
      "assist-user-minute",
      "assist-user-day",
      "assist-ip-minute",
      "assist-key-minute",
      "assist-device-minute",
      "assist-device-day",
      "assist-key-day",
    ],
  );
});

test("an app with a static key has the same seven limits, counted under its name", () => {
  const limits = limitsOf(everything, "assist", { key: null, app: "app-shop", device: "phone" });
  const assist = limits.filter(({ id }) => id.startsWith("assist"));
  assert.equal(assist.length, 7);
  const keyOf = (id: string) => assist.find((limit) => limit.id === id)!.key;
  assert.equal(keyOf("assist-key-minute"), "assist-key-minute:app-shop");
  assert.equal(keyOf("assist-key-day"), "assist-key-day:app-shop");
  assert.match(keyOf("assist-device-day"), /:hidden\(app-shop\0usr_ann\0phone\)$/);
  assert.ok(!idsOf(limits).includes("key-minute"));
});

test("a user's own numbers say nothing about the key of somebody else's app", () => {
  const overrides = { "key-minute": 1, "key-day": 1000, "user-minute": 7 };
  const theirs = key(3, { ownerId: "usr_app" });
  const limits = limitsOf(everything, "chat", { key: theirs, overrides });
  const found = (id: string) => limits.find((limit) => limit.id === id)!;
  assert.deepEqual([found("key-minute").limit, found("key-minute").capacity], [600, 60]);
  assert.deepEqual([found("key-day").limit, found("user-minute").limit], [3, 7]);
});

test("naming devices gets nobody beyond the daily quota of the key, which may have one of its own", () => {
  const withoutDevice = idsOf(limitsOf(everything, "assist", { key: key(null) }));
  assert.ok(withoutDevice.includes("assist-key-day") && !withoutDevice.includes("assist-device-minute"));
  assert.ok(
    idsOf(limitsOf(everything, "assist", { key: key(null), device: "d" })).includes("assist-key-day"),
  );
  assert.ok(!idsOf(limitsOf(everything, "assist", { key: key(50) })).includes("assist-key-day"));
});

test("a device is counted under its key and user, and its name leaves the process for nowhere", () => {
  const keys = ["phone", "tablet"].map(
    (device) =>
      limitsOf(everything, "assist", { device }).find(({ id }) => id === "assist-device-minute")!.key,
  );
  assert.equal(new Set(keys).size, 2);
  for (const text of keys) assert.match(text, /^assist-device-minute:hidden\(9\0usr_ann\0(phone|tablet)\)$/);
});

test("a plan limits its user, and a key's plan the key's chain, both at once", () => {
  const limits = limitsOf(nothing, "chat", { plan: small, key: key(null, { plan: small }) });
  assert.deepEqual(
    limits.map(({ key }) => key),
    ["user-minute:usr_ann", "user-day:usr_ann", "key-plan-minute:9", "key-plan-day:9", EPOCH_KEY],
  );
});

test("an administrator's number for a user counts in place of the plan's and of the setting's", () => {
  const overrides = { "user-minute": 7, "chat-window": 8, "user-tokens-minute": 9 };
  const call = { id: "c1", tokens: { certain: 1, likely: 0 } };
  const limits = limitsOf(everything, "chat", { overrides, call });
  const limitOf = (id: string) => limits.find((limit) => limit.id === id)?.limit;
  assert.deepEqual(
    [limitOf("user-minute"), limitOf("chat-window"), limitOf("user-tokens-minute")],
    [7, 8, 9],
  );
});

test("a number for a user's keys counts for a key that has no plan, too", () => {
  const limits = limitsOf(everything, "chat", { overrides: { "key-plan-minute": 3 } });
  assert.equal(limits.find(({ id }) => id === "key-plan-minute")?.limit, 3);
});

test("only AI calls are counted in tokens and while they are under way", () => {
  const asked = { plan: metered, key: null } as const;
  assert.deepEqual(idsOf(limitsOf(nothing, "chat", asked)), ["epoch"]);
  const call = { id: "c1", tokens: { certain: 300, likely: 50 } };
  const limits = limitsOf(nothing, "chat", { ...asked, call });
  assert.deepEqual(
    limits.map(({ id, cost, lease }) => [id, cost, lease]),
    [
      ["user-tokens-minute", 350, undefined],
      ["user-parallel", 1, "c1"],
      ["epoch", 0, undefined],
    ],
  );
});

test("a guess never makes a call too large for its limit, but what it asks for does", () => {
  const costs = [
    { certain: 4_900, likely: 512 },
    { certain: 6_000, likely: 512 },
  ].map(
    (tokens) => limitsOf(nothing, "chat", { plan: metered, key: null, call: { id: "c", tokens } })[0]!.cost,
  );
  assert.deepEqual(costs, [5_000, 6_000]);
});

test("a call whose tokens are counted has a lease even where calls under way are not limited", () => {
  const plan = { name: "tokens", limits: { tokensPerMinute: 5000 } };
  const call = { id: "c1", tokens: { certain: 1, likely: 0 } };
  const lease = limitsOf(nothing, "chat", { plan, key: null, call }).find(({ shape }) => shape === "lease");
  assert.deepEqual([lease?.lease, lease?.isHidden, lease!.limit > 1e9], ["c1", true, true]);
});

test("each protection can be off, only report, or be enforced, and single limits differently", () => {
  const off = { ...everything, modes: { rates: "off", quotas: "off", abuse: "off" } } as const;
  assert.deepEqual(idsOf(limitsOf(off, "chat")), ["epoch"]);
  const report = { ...off, modes: { ...off.modes, quotas: "report" } } as const;
  assert.deepEqual(
    limitsOf(report, "chat").map(({ id, reportOnly }) => [id, reportOnly]),
    [
      ["user-day", true],
      ["key-day", true],
      ["epoch", undefined],
    ],
  );
  const one = { ...off, ways: { "chat-window": { mode: "enforce" } } } as const;
  assert.deepEqual(idsOf(limitsOf(one, "chat")), ["chat-window", "epoch"]);
});

test("a window can be on the clock or sliding, and a limit have a fail mode of its own", () => {
  const ways = {
    "chat-window": { algorithm: "sliding", failMode: "closed" },
    "user-minute": { algorithm: "aligned" },
  } as const;
  const limits = limitsOf({ ...everything, ways }, "chat");
  const found = (id: string) => limits.find((limit) => limit.id === id)!;
  assert.deepEqual([found("chat-window").shape, found("chat-window").failMode], ["sliding", "closed"]);
  assert.deepEqual([found("user-minute").shape, found("key-minute").shape], ["aligned", "bucket"]);
});

test("what can meet a caller is shown once each, in the order of reports, and costs nothing", () => {
  const credential = { kind: "key" } as const;
  const known = { userId: "usr_ann", role: "developer", credential, overrides: {}, epoch: 5 } as const;
  const principal = { ...known, plan: metered, key: key(null, { plan: small }) };
  const limits = allLimits(everything, { principal, address: "198.51.100.7", device: "phone" });
  assert.equal(new Set(limits.map(({ key }) => key)).size, limits.length);
  const places = limits.map(({ id }) => (limitIds as readonly string[]).indexOf(id));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(limits.every(({ cost }) => cost === 0));
  for (const id of ["capture-window", "assist-user-day", "user-tokens-minute", "key-plan-day"])
    assert.ok(
      limits.some((limit) => limit.id === id),
      id,
    );
});

test("an identity's limits are made once, and anew when it was read anew", () => {
  const credential = { kind: "static" } as const;
  const known = { userId: "usr_ann", role: "developer", credential, overrides: {}, plan: small } as const;
  const of = applicableLimits(everything);
  const principal = { ...known, epoch: 5 };
  const at = { principal, address: "198.51.100.7" };
  assert.equal(of(at, { class: "chat" }), of(at, { class: "chat" }));
  const changed = { ...known, overrides: { "user-minute": 1 }, epoch: 6 };
  assert.notDeepEqual(of({ ...at, principal: changed }, { class: "chat" }), of(at, { class: "chat" }));
});
