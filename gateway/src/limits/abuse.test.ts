import assert from "node:assert/strict";
import { test } from "node:test";
import { grant, principal } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { type AbuseRules, abuse, type Culprit, holdKeyOf, type Refused, type Sign } from "./abuse.ts";
import { memoryCounters } from "./counters.memory.ts";
import { type Counters, CountersUnavailable } from "./limit.ts";

const rule = (threshold: number | undefined) => ({ threshold, windowMs: 60_000, baseMs: 30_000 });
const rules: AbuseRules = {
  mode: "enforce",
  perSign: {
    invalidCredential: rule(3),
    validationFailure: rule(3),
    notFound: rule(undefined),
    hammering: rule(3),
  },
  longestMs: 3_600_000,
  lookUpsPerMinute: 10,
};
const office = "198.51.100.7";
const ann = principal();

function watch(changes: Partial<AbuseRules> = {}, away = { isAway: false }) {
  const clock = new VirtualClock();
  const shared = memoryCounters({ clock });
  const ifThere = <T>(work: () => Promise<T>) =>
    away.isAway ? Promise.reject<T>(new CountersUnavailable("away")) : work();
  const counters: Counters = {
    ...shared,
    take: (dimensions, commit) => ifThere(() => shared.take(dimensions, commit)),
    strike: (strike) => ifThere(() => shared.strike(strike)),
  };
  const started: [Sign, Culprit][] = [];
  const troubles: unknown[] = [];
  const guard = abuse({
    clock,
    counters,
    fallback: memoryCounters({ clock }),
    rules: { ...rules, ...changes },
    subjectOfAddress: (address) => `hidden(${address})`,
    onStarted: (sign, culprit) => void started.push([sign, culprit]),
    onTrouble: (error) => void troubles.push(error),
  });
  return {
    ...guard,
    clock,
    started,
    troubles,
    away,
    async isHeld(culprit: Culprit) {
      const hold = {
        id: "h",
        shape: "hold",
        key: holdKeyOf(culprit),
        limit: 1,
        windowMs: 1,
        cost: 1,
        capacity: 0,
      } as const;
      return !(await shared.take([hold], false)).allowed;
    },
    /** As often as said, and counted before this returns. */
    async noted(sign: Sign, times: number, by: Omit<Refused, "askedAt">) {
      // The first refusal tells to wait; whoever hammers asks again after it.
      if (sign === "hammering") guard.note(sign, { ...by, askedAt: clock.monotonic() });
      const askedAt = clock.monotonic() + 2_001;
      for (let time = 0; time < times; time++) guard.note(sign, { ...by, askedAt });
      await new Promise(setImmediate);
    },
  };
}

test("bad credentials hold their address, and bad requests whoever sent them", async () => {
  const { noted, started, isHeld } = watch();
  const key = grant({ quotaGroup: 12 });
  await noted("invalidCredential", 3, { principal: undefined, address: office });
  await noted("validationFailure", 3, { principal: ann, address: office });
  const byKey = principal({ credential: { kind: "key" }, key });
  await noted("hammering", 3, { principal: byKey, address: office, limit: "key-minute" });
  const culprits: Culprit[] = [
    { kind: "address", id: `hidden(${office})` },
    { kind: "user", id: "usr_ann" },
    { kind: "key", id: "12" },
  ];
  assert.deepEqual(
    started.map(([, culprit]) => culprit),
    culprits,
  );
  for (const culprit of culprits) assert.ok(await isHeld(culprit));
});

test("an app's key is not held for what its users do, and nobody for what an address used up", async () => {
  const { noted, started, isHeld } = watch();
  const beside = principal({
    credential: { kind: "session", sessionId: "s" },
    key: grant({ quotaGroup: 12 }),
  });
  await noted("validationFailure", 3, { principal: beside, address: office });
  await noted("hammering", 3, { principal: ann, address: office, limit: "ip-minute" });
  assert.deepEqual(
    started.map(([, { kind }]) => kind),
    ["user", "guest"],
  );
  assert.ok(!(await isHeld({ kind: "key", id: "12" })));
});

test("senseless requests without a credential keep nobody's credential from being looked up", async () => {
  const { noted, letLookUp, letAsk } = watch();
  await noted("validationFailure", 3, { principal: undefined, address: office });
  for (let round = 0; round < 5; round++) await letLookUp(office);
  await assert.rejects(letAsk(office), { code: "COOLDOWN" });
});

test("fewer signs than the threshold, or too far apart, start nothing", async () => {
  const { noted, started, clock } = watch();
  for (let round = 0; round < 4; round++) {
    await noted("validationFailure", 2, { principal: ann, address: office });
    clock.advance(60_000);
  }
  await noted("notFound", 100, { principal: ann, address: office });
  assert.deepEqual(started, []);
});

test("a burst that nobody has told to wait is no hammering, however large", async () => {
  const { note, started, clock } = watch();
  const askedAt = clock.monotonic();
  for (let call = 0; call < 200; call++) note("hammering", { principal: ann, address: office, askedAt });
  await new Promise(setImmediate);
  assert.deepEqual(started, []);
});

test("a cooldown ends by itself, and one that follows lasts twice as long", async () => {
  const { noted, isHeld, clock } = watch();
  const culprit = { kind: "user", id: "usr_ann" } as const;
  for (const heldMs of [30_000, 60_000, 120_000]) {
    await noted("hammering", 3, { principal: ann, address: office });
    clock.advance(heldMs - 1);
    assert.ok(await isHeld(culprit), `${heldMs}`);
    clock.advance(1);
    assert.ok(!(await isHeld(culprit)), `${heldMs}`);
  }
});

test("a held address looks up one credential a second, and others as before", async () => {
  const { noted, letLookUp, clock } = watch();
  await noted("invalidCredential", 3, { principal: undefined, address: office });
  await letLookUp(office);
  await assert.rejects(letLookUp(office), { code: "COOLDOWN" });
  clock.advance(1_000);
  await letLookUp(office);
  for (let round = 0; round < 5; round++) await letLookUp("203.0.113.9");
});

test("an address that brings ever new credentials is slowed down before they are looked up", async () => {
  const { letLookUp } = watch();
  for (let round = 0; round < 10; round++) await letLookUp(office);
  await assert.rejects(letLookUp(office), { code: "RATE_LIMITED" });
});

test("what anybody may ask is not for held addresses", async () => {
  const { noted, letAsk } = watch();
  await letAsk(office);
  await noted("validationFailure", 3, { principal: undefined, address: office });
  await assert.rejects(letAsk(office), { code: "COOLDOWN" });
});

test("abuse that only reports holds nobody back but tells, and switched off it does not even count", async () => {
  const report = watch({ mode: "report" });
  await report.noted("invalidCredential", 3, { principal: undefined, address: office });
  for (let round = 0; round < 5; round++) await report.letLookUp(office);
  await report.letAsk(office);
  assert.equal(report.started.length, 1);
  const off = watch({ mode: "off", lookUpsPerMinute: undefined });
  await off.noted("invalidCredential", 30, { principal: undefined, address: office });
  for (let round = 0; round < 50; round++) await off.letLookUp(office);
  assert.deepEqual(off.started, []);
});

test("while the shared counters are away this process holds whom it has seen itself", async () => {
  const { noted, letLookUp, away, troubles, clock } = watch();
  away.isAway = true;
  await noted("invalidCredential", 3, { principal: undefined, address: office });
  await letLookUp(office);
  await assert.rejects(letLookUp(office), { code: "COOLDOWN" });
  clock.advance(30_000);
  await letLookUp(office);
  assert.deepEqual(troubles, []);
});
