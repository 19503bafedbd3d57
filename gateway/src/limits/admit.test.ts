import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, VirtualClock } from "../lib/clock.ts";
import { type AdmitDeps, type AppliedLimit, admit } from "./admit.ts";
import { memoryCounters } from "./counters.memory.ts";
import { type Counters, CountersUnavailable } from "./limit.ts";
import type { QuotaCount } from "./mirror.ts";
import { provenQuotas } from "./proven-quotas.ts";
import type { Entry } from "./states.memory.ts";

const NOON = Date.UTC(2026, 0, 1, 12);

function limit(id: string, changes: Partial<AppliedLimit> = {}): AppliedLimit {
  const base = { id, key: id, scope: "user", shape: "window", code: "RATE_LIMITED" } as const;
  return { ...base, limit: 4, windowMs: 60_000, cost: 1, capacity: 0, ...changes };
}

const userMinute = limit("user-minute");
const userDay = limit("user-day", {
  shape: "dailyQuota",
  limit: 10,
  windowMs: DAY_MS,
  reason: "daily_quota",
});
const keyMinute = limit("key-minute", { shape: "bucket", scope: "key", capacity: 4 });
const keyDay = limit("key-day", {
  shape: "dailyQuota",
  windowMs: DAY_MS,
  code: "QUOTA_EXCEEDED",
  scope: "key",
});
const fence = (epoch: number): AppliedLimit => limit("epoch", { shape: "epoch", limit: epoch, cost: 0 });

/** One instance: its counters can go away, and PostgreSQL (`stored`: used per quota today) too. */
function instance(changes: Partial<AdmitDeps> = {}) {
  const clock = new VirtualClock(NOON);
  const stored = new Map<string, number>();
  const entries = new Map<string, Entry>();
  const mirrored: QuotaCount[] = [];
  const state = { countersAreUp: true, databaseIsUp: true, beforeQuotas: async () => {} };
  const memory = memoryCounters({ clock, entries });
  const ifUp = <T>(work: () => Promise<T>): Promise<T> =>
    state.countersAreUp ? work() : Promise.reject(new CountersUnavailable("away"));
  const counters: Counters = {
    ...memory,
    take: (dimensions, commit) => ifUp(() => memory.take(dimensions, commit)),
    settle: (dimensions, taken, costs) => ifUp(() => memory.settle(dimensions, taken, costs)),
    giveBack: (dimensions, taken) => ifUp(() => memory.giveBack(dimensions, taken)),
    renew: (lease) => ifUp(() => memory.renew(lease)),
    seed: (dimension, used) => ifUp(() => memory.seed(dimension, used)),
    raiseEpoch: (key, epoch) => ifUp(() => memory.raiseEpoch(key, epoch)),
  };
  const database = (): void => {
    if (!state.databaseIsUp) throw new Error("connection refused");
  };
  const deps: AdmitDeps = {
    clock,
    counters,
    fallback: memoryCounters({ clock }),
    localShare: 0.5,
    failMode: "local",
    seedOf: async ({ key }) => {
      database();
      return stored.get(key) ?? 0;
    },
    quotas: {
      async take(quotas) {
        database();
        await state.beforeQuotas();
        const allowed = quotas.every(({ key, limit, cost }) => (stored.get(key) ?? 0) + cost <= limit);
        const judgements = quotas.map(({ key, limit, cost }) => {
          const used = stored.get(key) ?? 0;
          const fits = used + cost <= limit;
          if (allowed) stored.set(key, used + cost);
          const verdict = fits ? ("fits" as const) : ("exceeded" as const);
          const remaining = fits ? limit - used - cost : limit - used;
          return { verdict, remaining, resetMs: DAY_MS / 2, retryMs: fits ? 0 : DAY_MS / 2 };
        });
        return { allowed, now: clock.now(), judgements };
      },
      async giveBack(quotas) {
        database();
        for (const { key, cost } of quotas) stored.set(key, stored.get(key)! - cost);
      },
    },
    mirror: { note: (count) => mirrored.push(count) },
    proven: provenQuotas(),
    ...changes,
  };
  return {
    clock,
    stored,
    entries,
    mirrored,
    state,
    memory,
    admit: (...limits: readonly AppliedLimit[]) => admit(deps, limits),
    /** Admits until the first refusal. */
    async admitted(...limits: readonly AppliedLimit[]): Promise<number> {
      for (let count = 0; ; count++) if ((await admit(deps, limits)).kind !== "admitted") return count;
    },
  };
}

test("an admitted call knows where it stands and which limit is the tightest", async () => {
  const { admit } = instance();
  const admission = await admit(userMinute, keyMinute, userDay, fence(1));
  assert.ok(admission.kind === "admitted");
  assert.deepEqual(
    admission.standings.map(({ id, remaining }) => [id, remaining]),
    [
      ["user-minute", 3],
      ["key-minute", 3],
      ["user-day", 9],
    ],
  );
  assert.equal(admission.tightest?.id, "user-minute");
  assert.equal(admission.degraded, false);
});

test("a refusal names the first violated limit and the longest wait, and costs nothing", async () => {
  const { admit, entries, clock } = instance();
  const strict = limit("user-minute", { limit: 1 });
  const longer = limit("plan-hour", { limit: 1, windowMs: 3_600_000 });
  await admit(strict, keyMinute, longer);
  const before = structuredClone(entries);
  clock.advance(1_000);
  const refusal = await admit(strict, keyMinute, longer);
  assert.ok(refusal.kind === "refused");
  assert.deepEqual(refusal.violated, ["user-minute", "plan-hour"]);
  assert.equal(refusal.first, strict);
  assert.equal(refusal.retryAfterMs, 3_599_000);
  assert.equal(refusal.resetAtMs, NOON + 3_600_000);
  assert.equal(refusal.tightest?.id, "user-minute");
  assert.equal(refusal.standings[1]?.remaining, 3);
  assert.deepEqual(entries, before);
});

test("a cost above its limit never fits, whatever else is violated", async () => {
  const { admit } = instance();
  await admit(limit("a", { limit: 1 }));
  const admission = await admit(limit("a", { limit: 1 }), limit("b", { limit: 0 }));
  assert.deepEqual(admission, { kind: "neverFits", limit: "b" });
});

test("a stale identity takes nothing", async () => {
  const { admit, memory, entries } = instance();
  await memory.raiseEpoch("epoch", 5);
  assert.deepEqual(await admit(userMinute, userDay, fence(4)), { kind: "stale", epoch: 5 });
  assert.deepEqual([entries.get("user-minute"), entries.get("user-day")?.state.amount], [undefined, 0]);
  assert.equal((await admit(userMinute, userDay, fence(5))).kind, "admitted");
});

test("a store that lost the epoch gets it back from the next call", async () => {
  const { admit, entries } = instance();
  await admit(fence(7));
  assert.equal(entries.get("epoch")?.state.amount, 7);
});

test("a daily quota goes on from what PostgreSQL has counted", async () => {
  const { admit, admitted, stored, mirrored } = instance();
  stored.set("user-day", 8);
  assert.equal(await admitted(userDay), 2);
  assert.deepEqual(mirrored, [
    { limit: userDay, day: "2026-01-01", used: 9 },
    { limit: userDay, day: "2026-01-01", used: 10 },
  ]);
  const refusal = await admit(userDay);
  assert.ok(refusal.kind === "refused");
  assert.equal(refusal.first.reason, "daily_quota");
});

test("without its count a daily quota admits nothing", async () => {
  const { admit, state } = instance();
  state.databaseIsUp = false;
  await assert.rejects(admit(userDay), { code: "STORE_UNAVAILABLE" });
});

test("counters that forget at once count as unavailable", async () => {
  const forgetful: Counters = { ...instance().memory, seed: async () => {} };
  const { admit } = instance({ counters: forgetful, failMode: "closed" });
  await assert.rejects(admit(userDay), { code: "STORE_UNAVAILABLE" });
});

test("without counters an instance grants its share of windows and buckets", async () => {
  const { admit, admitted, state } = instance();
  state.countersAreUp = false;
  const admission = await admit(userMinute, keyMinute, fence(1));
  assert.ok(admission.kind === "admitted");
  assert.equal(admission.degraded, true);
  assert.deepEqual(
    admission.standings.map(({ limit, remaining }) => [limit, remaining]),
    [
      [2, 1],
      [2, 1],
    ],
  );
  assert.equal(await admitted(userMinute, keyMinute, fence(1)), 1);
});

test("the local share is at least one call, and never more than nothing of nothing", async () => {
  const { admit, admitted, state } = instance({ localShare: 0.01 });
  state.countersAreUp = false;
  assert.equal(await admitted(userMinute), 1);
  assert.equal(await admitted(limit("large", { cost: 3 })), 1);
  assert.equal((await admit(limit("none", { limit: 0 }))).kind, "neverFits");
  assert.equal((await admit(limit("dear", { cost: 5 }))).kind, "neverFits");
});

test("without counters PostgreSQL counts the daily quotas", async () => {
  const { admit, stored, state } = instance();
  state.countersAreUp = false;
  stored.set("user-day", 8);
  stored.set("key-day", 3);
  const admission = await admit(userMinute, userDay, keyDay, fence(1));
  assert.ok(admission.kind === "admitted");
  assert.deepEqual(
    admission.standings.map(({ id, remaining }) => [id, remaining]),
    [
      ["user-minute", 1],
      ["user-day", 1],
      ["key-day", 0],
    ],
  );
  const refusal = await admit(userMinute, userDay, keyDay);
  assert.ok(refusal.kind === "refused");
  assert.deepEqual(refusal.violated, ["key-day"]);
  assert.deepEqual([...stored.values()], [9, 4]);
  assert.equal((await admit(userMinute)).kind, "admitted");
});

test("without counters a call that its window refuses leaves the quota alone", async () => {
  const { admitted, stored, state } = instance();
  state.countersAreUp = false;
  assert.equal(await admitted(userMinute, userDay), 2);
  assert.equal(stored.get("user-day"), 2);
});

test("without counters a call that lost the race for its window gives the quota back", async () => {
  const { admit, stored, state } = instance();
  state.countersAreUp = false;
  const admissions = await Promise.all(Array.from({ length: 5 }, () => admit(userMinute, userDay)));
  assert.equal(admissions.filter(({ kind }) => kind === "admitted").length, 2);
  assert.equal(stored.get("user-day"), 2);
});

test("a quota that cannot be given back stays counted", async () => {
  const { admit, stored, state } = instance({ localShare: 0.25 });
  state.countersAreUp = false;
  state.beforeQuotas = async () => {
    state.beforeQuotas = async () => {};
    await admit(userMinute);
    state.databaseIsUp = false;
  };
  assert.equal((await admit(userMinute, userDay)).kind, "refused");
  assert.equal(stored.get("user-day"), 1);
});

test("without counters and without PostgreSQL a daily quota admits nothing", async () => {
  const { admit, state } = instance();
  state.countersAreUp = false;
  state.databaseIsUp = false;
  await assert.rejects(admit(userMinute, userDay), { code: "STORE_UNAVAILABLE" });
  assert.equal((await admit(userMinute)).kind, "admitted");
});

test("what PostgreSQL counted while the counters were away is not granted again", async () => {
  const { admit, admitted, stored, state } = instance();
  await admit(userDay);
  await admit(keyDay);
  stored.set("user-day", 1);
  stored.set("key-day", 1);
  state.countersAreUp = false;
  for (let i = 0; i < 8; i++) await admit(userDay, keyDay);
  assert.deepEqual([...stored.values()], [4, 4]);
  state.countersAreUp = true;
  assert.equal(await admitted(userDay), 6);
  assert.equal(await admitted(keyDay), 0);
});

test("what another process admitted while the counters were away, and died, is not granted again", async () => {
  const proven = provenQuotas();
  const { admit, admitted, stored } = instance({ proven });
  await admit(userDay);
  stored.set("user-day", 8);
  assert.equal(await admitted(userDay), 9, "this process noticed nothing, and goes by the counters");
  stored.set("user-day", 10);
  proven.forget();
  assert.equal(await admitted(userDay), 0);
});

test("a quota is compared with PostgreSQL once, and again when the counters have been away", async () => {
  let asked = 0;
  const { admit, state } = instance({
    seedOf: async () => {
      asked += 1;
      return 0;
    },
  });
  for (let round = 0; round < 3; round++) await admit(userDay);
  assert.equal(asked, 1);
  state.countersAreUp = false;
  await admit(userMinute);
  state.countersAreUp = true;
  for (let round = 0; round < 3; round++) await admit(userDay);
  assert.equal(asked, 2);
});

test("the fail mode decides what happens without counters", async () => {
  const closed = instance({ failMode: "closed" });
  closed.state.countersAreUp = false;
  await assert.rejects(closed.admit(userMinute), { code: "STORE_UNAVAILABLE" });
  const open = instance({ failMode: "open" });
  open.state.countersAreUp = false;
  const admission = await open.admit(limit("none", { limit: 0 }));
  assert.ok(admission.kind === "admitted" && admission.degraded);
  assert.deepEqual(admission.standings, []);
});

test("a limit with a fail mode of its own keeps to it, whatever the others do", async () => {
  const { admit, state } = instance({ failMode: "local" });
  state.countersAreUp = false;
  await assert.rejects(admit(userMinute, limit("strict", { failMode: "closed" })), {
    code: "STORE_UNAVAILABLE",
  });
  const admission = await admit(userMinute, limit("lax", { failMode: "open", limit: 0 }));
  assert.ok(admission.kind === "admitted");
  assert.deepEqual(
    admission.standings.map(({ id }) => id),
    ["user-minute"],
  );
  const reported = limit("reported", { failMode: "closed", reportOnly: true });
  assert.equal((await admit(limit("other"), reported)).kind, "admitted");
});

test("a limit that only reports refuses nobody, is told to nobody, and says what it would have done", async () => {
  const { admit } = instance();
  const reported = limit("reported", { limit: 1, reportOnly: true });
  for (const wouldRefuse of [[], ["reported"]]) {
    const admission = await admit(userMinute, reported);
    assert.ok(admission.kind === "admitted");
    assert.deepEqual(admission.wouldRefuse, wouldRefuse);
    assert.deepEqual(
      admission.standings.map(({ id }) => id),
      ["user-minute"],
    );
  }
});

test("who finds no place among the calls under way is told to ask again in a second", async () => {
  const { admit, clock } = instance();
  const parallel = (lease: string) =>
    limit("user-parallel", { shape: "lease", limit: 1, windowMs: 120_000, lease });
  const first = await admit(parallel("a"));
  const second = await admit(parallel("b"));
  assert.ok(first.kind === "admitted" && second.kind === "refused");
  assert.equal(second.retryAfterMs, 1_000);
  await first.ticket.settle(undefined);
  assert.equal((await admit(parallel("b"))).kind, "admitted");
  clock.advance(1);
});

test("a call under way keeps its place for as long as it takes", async () => {
  const { admit, clock } = instance();
  const parallel = (lease: string) =>
    limit("user-parallel", { shape: "lease", limit: 1, windowMs: 120_000, lease });
  const first = await admit(parallel("a"));
  assert.ok(first.kind === "admitted");
  for (let minute = 0; minute < 10; minute++) {
    clock.advance(60_000);
    assert.equal((await admit(parallel("b"))).kind, "refused");
  }
  await first.ticket.giveBack();
  assert.equal((await admit(parallel("b"))).kind, "admitted");
});

test("a call that was refused after all consumed nothing, with counters and without", async () => {
  for (const countersAreUp of [true, false]) {
    const { admit, stored, state } = instance();
    state.countersAreUp = countersAreUp;
    const tokens = limit("user-tokens-minute", { shape: "bucket", limit: 100, capacity: 100, cost: 60 });
    const limits = [userMinute, keyMinute, tokens, userDay];
    for (let round = 0; round < 5; round++) {
      const admission = await admit(...limits);
      assert.ok(admission.kind === "admitted", `round ${round}, counters ${countersAreUp}`);
      await admission.ticket.giveBack();
      await admission.ticket.settle(1_000);
    }
    if (!countersAreUp) assert.equal(stored.get("user-day"), 0);
  }
});

test("tokens are corrected once to what the call came to, and unknown ones stay as reserved", async () => {
  const { admit, memory } = instance();
  const tokens = (cost: number) =>
    limit("user-tokens-minute", { shape: "bucket", limit: 100, capacity: 100, cost });
  const lease = limit("user-parallel", { shape: "lease", limit: 9, windowMs: 120_000, lease: "a" });
  const left = async () => (await memory.take([tokens(0)], false)).judgements[0]!.remaining;
  const call = async (spent: number | undefined) => {
    const admission = await admit(tokens(40), lease);
    assert.ok(admission.kind === "admitted");
    await admission.ticket.settle(spent);
    await admission.ticket.settle(0);
    await admission.ticket.giveBack();
    return left();
  };
  assert.deepEqual([await call(10), await call(undefined)], [90, 50]);
});

test("a ticket whose counters are away closes all the same", async () => {
  const { admit, state } = instance();
  const lease = limit("user-parallel", { shape: "lease", limit: 9, windowMs: 120_000, lease: "a" });
  const admission = await admit(userMinute, lease);
  assert.ok(admission.kind === "admitted");
  state.countersAreUp = false;
  await admission.ticket.settle(5);
});

test("a defect in the counters is not taken for an outage", async () => {
  const { memory } = instance();
  const broken: Counters = { ...memory, take: () => Promise.reject(new TypeError("defect")) };
  await assert.rejects(instance({ counters: broken }).admit(userMinute), TypeError);
});
