import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { unharmed } from "./breaker.ts";
import { type BreakerStore, BreakersUnavailable } from "./breaker-store.ts";
import { breakersContract } from "./breakers.contract.ts";
import { memoryBreakers } from "./breakers.memory.ts";
import { inMemory, NOON, rules } from "./breakers.testing.ts";
import { type Breakers, openBreakers, type Pass, type Refusal } from "./breakers.ts";
import { breakerView } from "./breakers.view.ts";

describe("breakers in memory", () => breakersContract(async () => inMemory()));

/** Instances on one store that can go away, or fall silent; `steps`: how often it was asked. */
async function cluster(instances = 1) {
  const clock = new VirtualClock(NOON);
  const memory = memoryBreakers({ rules, now: clock.now });
  const state = { isAway: false, isSilent: false, steps: 0 };
  const ifUp = async <T>(work: () => Promise<T>): Promise<T> => {
    state.steps += 1;
    if (state.isAway) throw new BreakersUnavailable("away");
    return work();
  };
  const store: BreakerStore = {
    read: (providers) => ifUp(() => memory.read(providers)),
    admit: (provider, token) => ifUp(() => memory.admit(provider, token)),
    report: (provider, outcome, token) => ifUp(() => memory.report(provider, outcome, token)),
    renew: (provider, token) => ifUp(() => memory.renew(provider, token)),
    reset: (provider) => ifUp(() => memory.reset(provider)),
    follow: ({ seen, listening }) =>
      memory.follow({ seen: (...told) => (state.isSilent || state.isAway ? {} : seen(...told)), listening }),
  };
  const told: string[] = [];
  const troubles: unknown[] = [];
  const open = (name: string): Breakers =>
    openBreakers({
      clock,
      chance: seededChance(name.charCodeAt(0)),
      rules,
      providers: () => ["openai", "groq"],
      store,
      onChange: ({ provider, change, isShared }) =>
        told.push(`${name}: ${provider} ${change}${isShared ? "" : " here"}`),
      onTrouble: (error) => troubles.push(error),
    });
  const all = Array.from({ length: instances }, (_, i) => open("abc"[i]!));
  await settled();
  return { clock, store: memory, state, told, troubles, all, one: all[0]!, open };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const passed = async (answer: Promise<Pass | Refusal>): Promise<Pass> => {
  const found = await answer;
  assert.ok(found.kind === "pass", JSON.stringify(found));
  return found;
};
const fail = async (breakers: Breakers, times = 5): Promise<void> => {
  for (let i = 0; i < times; i++) {
    (await passed(breakers.admit("openai"))).report("failure");
    await settled();
  }
};
const stateOf = (breakers: Breakers) => breakers.seen()[0]!.state;
const refused = (state: Refusal["state"], retryAfterMs: number, now: number): Refusal => ({
  kind: "refused",
  state,
  retryAfterMs,
  resetAtMs: now + retryAfterMs,
});

test("healthy traffic asks nobody", async () => {
  const { one, state } = await cluster();
  const before = state.steps;
  for (let i = 0; i < 1_000; i++) (await passed(one.admit("openai"))).report("ok");
  for (const outcome of ["alive", "neutral"] as const) (await passed(one.admit("openai"))).report(outcome);
  await settled();
  assert.equal(state.steps, before);
});

test("failures on several instances are one row, and the one that opens it tells of it", async () => {
  const { all, told, clock } = await cluster(3);
  for (const instance of [0, 1, 2, 0, 1]) await fail(all[instance]!, 1);
  assert.deepEqual(told, ["b: openai opened"]);
  for (const breakers of all) {
    assert.deepEqual(await breakers.admit("openai"), refused("open", 60_000, clock.now()));
    assert.equal((await breakers.admit("groq")).kind, "pass");
  }
});

test("a success anywhere ends the row", async () => {
  const { all, one } = await cluster(2);
  await fail(one, 4);
  (await passed(all[1]!.admit("openai"))).report("ok");
  await settled();
  await fail(one, 4);
  assert.equal(stateOf(one), "closed");
});

test("while it is open nobody asks the store, and the wait is exact", async () => {
  const { one, clock, state } = await cluster();
  await fail(one);
  clock.advance(59_999);
  await settled();
  const before = state.steps;
  assert.deepEqual(await one.admit("openai"), refused("open", 1, clock.now()));
  assert.equal(state.steps, before);
  clock.advance(1);
  assert.equal((await passed(one.admit("openai"))).isProbe, true);
});

test("half open, of three hundred callers on three instances one passes, and the others hear until when", async () => {
  const { all, one, clock, told } = await cluster(3);
  await fail(one);
  clock.advance(60_000);
  await settled();
  assert.equal(stateOf(one), "half_open");
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => all[i % 3]!.admit("openai")));
  const passes = answers.filter((answer) => answer.kind === "pass");
  assert.deepEqual([passes.length, passes[0]?.isProbe], [1, true]);
  for (const answer of answers)
    if (answer.kind === "refused") assert.deepEqual(answer, refused("half_open", 30_000, clock.now()));
  passes[0]!.report("ok");
  await settled();
  for (const breakers of all) assert.equal((await breakers.admit("openai")).kind, "pass");
  assert.deepEqual(told, ["a: openai opened", "a: openai probing", "a: openai closed"]);
});

test("a report counts once; a probe that renews its lease keeps its place until it has reported", async () => {
  const { one, clock, told } = await cluster();
  await fail(one, 3);
  const call = await passed(one.admit("openai"));
  call.report("failure");
  call.report("failure");
  call.renew();
  await settled();
  assert.equal(stateOf(one), "closed");
  await fail(one, 1);
  clock.advance(60_000);
  const probe = await passed(one.admit("openai"));
  clock.advance(29_999);
  probe.renew();
  await settled();
  clock.advance(29_999);
  assert.equal((await one.admit("openai")).kind, "refused");
  probe.report("failure");
  probe.report("ok");
  probe.renew();
  await settled();
  assert.deepEqual(told, ["a: openai opened", "a: openai probing", "a: openai reopened"]);
  assert.equal(stateOf(one), "open");
});

test("a probe whose client left gives its place away at once", async () => {
  const { one, clock } = await cluster();
  await fail(one);
  clock.advance(60_000);
  (await passed(one.admit("openai"))).report("neutral");
  await settled();
  assert.equal((await passed(one.admit("openai"))).isProbe, true);
});

test("what was not heard is seen within half a second", async () => {
  const { all, one, clock, state } = await cluster(2);
  state.isSilent = true;
  await fail(one);
  assert.equal(stateOf(all[1]!), "closed");
  clock.advance(500);
  await settled();
  assert.equal(stateOf(all[1]!), "open");
});

test("an instance that starts beside an open breaker reads it before its first call", async () => {
  const { one, open } = await cluster();
  await fail(one);
  assert.equal((await open("b").admit("openai")).kind, "refused");
});

test("without the store each process goes on from what it knew, as strictly", async () => {
  const { all, one, clock, state, told, troubles } = await cluster(2);
  await fail(one, 4);
  state.isAway = true;
  await fail(one, 1);
  assert.deepEqual([one.isShared(), stateOf(one), stateOf(all[1]!)], [false, "open", "closed"]);
  assert.deepEqual(told, ["a: openai opened here"]);
  assert.equal(troubles.length, 1);
  clock.advance(60_000);
  await settled();
  const answers = await Promise.all(Array.from({ length: 9 }, () => one.admit("openai")));
  assert.equal(answers.filter(({ kind }) => kind === "pass").length, 1);
  assert.equal(troubles.length, 2, "once for each process");
});

test("a store that is back leads again, and what only one process knew is taken back", async () => {
  const { one, clock, state, told } = await cluster();
  await fail(one, 3);
  state.isAway = true;
  await fail(one, 2);
  assert.equal(stateOf(one), "open");
  state.isAway = false;
  clock.advance(500);
  await settled();
  assert.deepEqual([one.isShared(), stateOf(one), one.seen()[0]!.failures], [true, "closed", 3]);
  assert.deepEqual(told, ["a: openai opened here", "a: openai closed here"]);
});

test("what another instance changed while this one was alone is not told a second time", async () => {
  const { one, clock, state, store, told } = await cluster();
  state.isAway = true;
  clock.advance(500);
  await settled();
  for (let i = 0; i < 5; i++) await store.report("openai", "failure", undefined);
  state.isAway = false;
  clock.advance(500);
  await settled();
  assert.deepEqual([stateOf(one), told], ["open", []]);
});

test("a process that has never reached the store lets calls through, and counts for itself", async () => {
  const { state, open, clock } = await cluster();
  state.isAway = true;
  const alone = open("b");
  await fail(alone);
  assert.deepEqual(await alone.admit("openai"), refused("open", 60_000, clock.now()));
});

test("a reset lets calls through at once, everywhere, and cannot be made while the store is away", async () => {
  const { all, one, state, told } = await cluster(2);
  await fail(one);
  state.isAway = true;
  await assert.rejects(one.reset("openai"), BreakersUnavailable);
  assert.equal(stateOf(one), "open");
  state.isAway = false;
  await one.reset("openai");
  for (const breakers of all) assert.equal((await breakers.admit("openai")).kind, "pass");
  assert.deepEqual(told, ["a: openai opened", "a: openai closed"]);
});

test("a stop waits for the reports that are under way", async () => {
  const { one, store } = await cluster();
  (await passed(one.admit("openai"))).report("failure");
  await one.close();
  assert.equal((await store.read(["openai"])).get("openai")!.breaker.failures, 1);
});

test("a reply that is overtaken changes nothing, and a store whose clock was set back is believed", () => {
  const clock = new VirtualClock(NOON);
  const view = breakerView(clock);
  const open = {
    state: "open",
    failures: 5,
    openedAt: NOON,
    until: NOON + 60_000,
    probe: undefined,
  } as const;
  clock.advance(400);
  view.learn("openai", { now: NOON + 300, breaker: open });
  view.learn("openai", { now: NOON + 100, breaker: unharmed }, 0);
  assert.deepEqual([view.breakerOf("openai"), view.now()], [open, NOON + 400]);
  view.learn("openai", { now: NOON - 10_000, breaker: unharmed }, 400);
  assert.deepEqual([view.breakerOf("openai"), view.now()], [unharmed, NOON - 10_000]);
});
