import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "../../gateway/src/lib/clock.ts";
import { countdown } from "./countdown.ts";
import { describeError } from "./errors.describe.ts";
import { parseTollgateError } from "./errors.parse.ts";
import { englishTexts } from "./errors.texts.ts";

const now = Date.UTC(2026, 0, 1);
const said = (code: string, resetAt?: number) => ({
  error: {
    code,
    message: "",
    ...(resetAt === undefined ? {} : { resetAt: new Date(resetAt).toISOString() }),
  },
});

test("who has to sign in reads the words of the requirement", () => {
  assert.deepEqual(describeError(said("AUTH_REQUIRED"), { now }), {
    title: "Sign In Required",
    explanation: "You need to sign in to use the online assistant…",
    action: "Tap to sign in with Google.",
    statusLabel: "Sign In Required",
    showRetry: false,
    retryAfterSeconds: undefined,
  });
  assert.deepEqual(describeError(said("AUTH_INVALID"), { now }), {
    title: "Session Expired",
    explanation: "Your session has expired or is no longer valid…",
    action: "Sign in again to continue.",
    statusLabel: "Session Expired",
    showRetry: false,
    retryAfterSeconds: undefined,
  });
});

test("who could not sign in does not read of a session, and gets no button", () => {
  for (const operation of ["POST /auth/login", "POST /v1/auth/google", "POST /auth/setup"]) {
    const error = parseTollgateError(said("AUTH_INVALID"), { operation });
    assert.deepEqual(describeError(error, { now }), {
      title: "Sign In Failed",
      explanation: "These sign-in details were not accepted.",
      action: "Check them, then sign in again.",
      statusLabel: "Not Signed In",
      showRetry: false,
      retryAfterSeconds: undefined,
    });
    const messages = { SIGN_IN_FAILED: { title: "Anmeldung fehlgeschlagen" } };
    assert.equal(describeError(error, { now, messages }).title, "Anmeldung fehlgeschlagen");
  }
  const refreshed = parseTollgateError(said("AUTH_INVALID"), { operation: "POST /auth/refresh" });
  assert.equal(describeError(refreshed, { now }).title, "Session Expired");
});

test("who is limited reads when to try again, and gets a button once that time has come", () => {
  const error = said("RATE_LIMITED", now + 45_000);
  const at = (ms: number) => describeError(error, { now: new Date(now + ms) });
  assert.deepEqual(
    [at(0).action, at(0).showRetry, at(0).retryAfterSeconds],
    ["Try again in 45 seconds.", false, 45],
  );
  assert.equal(at(44_000).action, "Try again in 1 second.");
  assert.deepEqual([at(45_000).action, at(45_000).showRetry], ["You can try again now.", true]);
  assert.equal(describeError(said("RATE_LIMITED"), { now }).action, "Try again later.");
});

test("a long wait is told in minutes, hours or days", () => {
  const hint = (seconds: number) =>
    describeError(said("QUOTA_EXCEEDED", now + seconds * 1000), { now }).action;
  assert.equal(hint(119), "Try again in 119 seconds.");
  assert.equal(hint(121), "Try again in 3 minutes.");
  assert.equal(hint(7_201), "Try again in 3 hours.");
  assert.equal(hint(172_801), "Try again in 3 days.");
});

test("every text can be said in another language", () => {
  const messages = {
    RATE_LIMITED: { title: "Zu viele Anfragen" },
    hints: { in: "Noch einmal in {time}." },
  };
  const described = describeError(said("RATE_LIMITED", now + 45_000), { now, messages, locale: "de" });
  assert.equal(described.title, "Zu viele Anfragen");
  assert.equal(described.action, "Noch einmal in 45 Sekunden.");
  assert.equal(described.explanation, englishTexts.RATE_LIMITED.explanation);
});

test("a wait that is told is never too short", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (leftMs) => {
      const { action, showRetry } = describeError(said("COOLDOWN", now + leftMs), { now });
      const [, amount, unit] = /^Try again in ([\d,]+) (second|minute|hour|day)s?\.$/.exec(action)!;
      const seconds = { second: 1, minute: 60, hour: 3_600, day: 86_400 }[unit as "second"];
      assert.ok(Number(amount!.replaceAll(",", "")) * seconds * 1000 >= leftMs);
      assert.equal(showRetry, false);
    }),
  );
});

test("a countdown ticks once a second, ends with 0 and can be stopped", () => {
  const clock = new VirtualClock(now);
  const error = parseTollgateError(said("RATE_LIMITED", now + 2_500), { now });
  const ticks: number[] = [];
  countdown(error, { clock, onTick: (left) => ticks.push(left) });
  assert.deepEqual(ticks, [3]);
  clock.advance(499);
  assert.deepEqual(ticks, [3]);
  clock.advance(1);
  assert.deepEqual(ticks, [3, 2]);
  clock.advance(10_000);
  assert.deepEqual(ticks, [3, 2, 1, 0]);

  const few: number[] = [];
  const stop = countdown(said("RATE_LIMITED", clock.now() + 60_000), {
    clock,
    onTick: (left) => few.push(left),
  });
  clock.advance(1_000);
  stop();
  clock.advance(60_000);
  assert.deepEqual(few, [60, 59]);
});

test("a countdown is right again after the device has slept", () => {
  const clock = new VirtualClock(now);
  const ticks: number[] = [];
  countdown(said("RATE_LIMITED", now + 60_000), { clock, onTick: (left) => ticks.push(left) });
  clock.step(58_000);
  clock.advance(1_000);
  clock.advance(1_000);
  assert.deepEqual(ticks, [60, 1, 0]);
});

test("an error that names no time counts nothing down", () => {
  const ticks: number[] = [];
  countdown(said("INTERNAL"), { clock: new VirtualClock(now), onTick: (left) => ticks.push(left) });
  assert.deepEqual(ticks, [0]);
});
