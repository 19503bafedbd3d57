import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { addressSubjects, oneWaySubject } from "./address-subject.ts";
import { NOON } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import type { Counters } from "./limit.ts";
import { registrationThrottle, type SignInAttempt, type SignInRules, signInThrottle } from "./sign-in.ts";

/** What the throttles promise on counters in memory and in Redis. `open` gives empty counters at this clock's time. */
export function signInContract(open: (clock: VirtualClock) => Counters): void {
  const opened = (changes: Partial<SignInRules> = {}) => {
    const clock = new VirtualClock(NOON);
    return { clock, ...throttles({ counters: open(clock), clock, ...changes }) };
  };

  test("two hundred sign-ins at once: as many as the limit reach the password, and no other", async () => {
    const { passed } = opened();
    assert.equal(await passed(200, () => ann), 5);
    assert.equal(await passed(200, (i) => ({ ...ann, email: `${i}@example.com` })), 30 - 5);
    assert.equal(await passed(200, (i) => ({ ...ann, address: `198.51.100.${i}` })), 20 - 5);
  });

  test("a known source is not locked out by strangers who try its e-mail", async () => {
    const { passed, refusalOf } = opened();
    await passed(200, (i) => ({ ...ann, address: `198.51.100.${i}` }));
    assert.equal((await refusalOf(ann)).limit, "login-email");
    assert.equal(await passed(200, () => ({ ...ann, isKnownSource: true })), 5);
  });

  test("a success gives back its own attempt, once, and no earlier failure", async () => {
    const { signIns, passed } = opened();
    await passed(3, () => ann);
    const succeed = await signIns.reserve(ann);
    await Promise.all([succeed(), succeed()]);
    await succeed();
    assert.equal(await passed(9, () => ann), 2);
  });

  test("a hundred successes in a row are never refused", async () => {
    const { signIns } = opened();
    for (let i = 0; i < 100; i++) await (await signIns.reserve(ann))();
  });

  test("a refusal names the first limit and the longest wait, costs nothing and prolongs nothing", async () => {
    const { clock, passed, refusalOf } = opened();
    await passed(1, () => ({ ...ann, email: "bob@example.com" }));
    clock.advance(60_000);
    await passed(5, () => ann);
    clock.advance(60_000);
    const refusal = { limit: "login-email-address", retryAfterMs: 840_000, resetAtMs: NOON + 960_000 };
    assert.deepEqual(await refusalOf(ann), refusal);
    assert.deepEqual(await refusalOf(ann), refusal);
    assert.equal(await passed(30, (i) => ({ ...ann, email: `${i}@example.com` })), 24);
    assert.deepEqual(await refusalOf(ann), refusal);
    assert.equal((await refusalOf({ ...ann, email: "new@example.com" })).limit, "login-address");
    clock.advance(839_999);
    await refusalOf(ann);
    clock.advance(1);
    assert.equal(await passed(9, () => ann), 5);
  });

  test("what a success gives back after its window is over is not granted in the next", async () => {
    const { clock, signIns, passed } = opened();
    const succeed = await signIns.reserve(ann);
    clock.advance(900_000);
    assert.equal(await passed(9, () => ann), 5);
    await succeed();
    assert.equal(await passed(9, () => ann), 0);
  });

  test("a limit that is off limits nothing, and one of 0 refuses everything for its window", async () => {
    const off = { perEmailAndAddress: undefined, perAddress: undefined, perEmail: undefined };
    assert.equal(await opened(off).passed(200, () => ann), 200);
    assert.deepEqual(await opened({ ...off, perAddress: 0 }).refusalOf(ann), {
      limit: "login-address",
      retryAfterMs: 900_000,
      resetAtMs: NOON + 900_000,
    });
  });

  test("an address may find five e-mails taken per hour, and registers as often as it succeeds", async () => {
    const { clock, registrations } = opened();
    const address = "2001:db8::1";
    for (let i = 0; i < 20; i++) await (await registrations.reserve(address))();
    for (let i = 0; i < 5; i++) await registrations.reserve(`2001:db8::${i}`);
    const details = { limit: "register-address", retryAfterMs: 3_600_000, resetAtMs: NOON + 3_600_000 };
    await assert.rejects(registrations.reserve(address), { code: "RATE_LIMITED", details });
    await registrations.reserve("2001:db8:0:1::1");
    clock.advance(3_600_000);
    await registrations.reserve(address);
  });
}

export const ann: SignInAttempt = { email: "ann@example.com", address: "192.0.2.7", isKnownSource: false };

/** The throttles with their usual limits, and what becomes of many attempts. */
export function throttles(
  options: { readonly counters: Counters; readonly clock: VirtualClock } & Partial<SignInRules>,
) {
  const { counters, clock, ...changes } = options;
  const key = new Uint8Array(32);
  const deps = {
    counters,
    fallback: memoryCounters({ clock }),
    subjectOfAddress: addressSubjects(key),
    subjectOfEmail: (email: string) => oneWaySubject(key, email),
  };
  const usual = { windowMs: 900_000, perEmailAndAddress: 5, perAddress: 30, perEmail: 20 };
  const signIns = signInThrottle({ ...deps, rules: { ...usual, ...changes } });
  return {
    signIns,
    registrations: registrationThrottle({ ...deps, perAddress: 5 }),
    /** How many of `count` attempts at once were not refused. */
    async passed(count: number, attempt: (i: number) => SignInAttempt): Promise<number> {
      const attempts = Array.from({ length: count }, (_, i) => signIns.reserve(attempt(i)));
      const outcomes = await Promise.allSettled(attempts);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") assert.equal(outcome.reason.code, "RATE_LIMITED");
      }
      return outcomes.filter(({ status }) => status === "fulfilled").length;
    },
    async refusalOf(attempt: SignInAttempt) {
      const error = await signIns.reserve(attempt).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(error instanceof TollgateError && error.code === "RATE_LIMITED");
      return (error as TollgateError<"RATE_LIMITED">).details;
    },
  };
}
