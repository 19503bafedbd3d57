import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientOptions } from "./client.options.ts";
import { TollgateClient } from "./client.ts";
import { TollgateError } from "./errors.ts";
import type { Retry } from "./patience.ts";
import { answering, hurriedClock, json, never, refusal } from "./testing.ts";

const clientOf = (options: Partial<ClientOptions>) =>
  new TollgateClient({ baseUrl: "http://gate.test", apiKey: "sk-key", random: () => 0, ...options });
const asking = (seconds: number) =>
  answering(() => refusal(429, "RATE_LIMITED", { "retry-after": String(seconds) }));

async function raised(work: PromiseLike<unknown>): Promise<TollgateError> {
  const thrown = await Promise.resolve(work).then(
    () => assert.fail("no error"),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof TollgateError);
  return thrown;
}

test("a wait of more than five seconds is told at once, unless the application says that it waits", async () => {
  const clock = hurriedClock();
  const { fetch, seen } = asking(6);
  const error = await raised(clientOf({ fetch, clock }).auth.me());
  assert.deepEqual([error.type, error.retryAfterSeconds, seen.length], ["RATE_LIMITED", 6, 1]);
  assert.deepEqual(clock.waits, []);
  await raised(clientOf({ fetch, clock }).auth.me({ maxRetryWaitMs: 6_000 }));
  assert.equal(seen.length, 4);
  await raised(clientOf({ fetch, clock, maxRetryWaitMs: 6_000 }).auth.me());
  assert.equal(seen.length, 7);
});

test("no wait is longer than the time-out", async () => {
  const { fetch, seen } = asking(3);
  await raised(clientOf({ fetch, clock: hurriedClock() }).auth.me({ timeoutMs: 700 }));
  assert.equal(seen.length, 1);
});

test("who asks hears of each attempt that follows, before the wait", async () => {
  const clock = hurriedClock();
  const { fetch } = answering((_, number) => (number < 2 ? refusal(503, "OVERLOADED") : json({})));
  const told: Retry[] = [];
  const onRetry = (retry: Retry) => {
    assert.equal(clock.waits.length, told.length);
    told.push(retry);
  };
  await clientOf({ fetch, clock, onRetry }).auth.me();
  assert.deepEqual(
    told.map(({ attempt, waitMs, error }) => [attempt, waitMs, error.type]),
    [
      [1, 500, "OVERLOADED"],
      [2, 1_000, "OVERLOADED"],
    ],
  );
});

test("a deadline holds for attempts and waits together", async () => {
  const clock = hurriedClock();
  const silent = answering(never);
  const startedAt = clock.now();
  const patient = clientOf({ fetch: silent.fetch, clock, timeoutMs: 400 });
  assert.equal((await raised(patient.auth.me({ deadlineMs: 1_000 }))).type, "NETWORK_TIMEOUT");
  assert.equal(clock.now() - startedAt, 1_000);
  assert.equal(silent.seen.length, 2);

  const busy = asking(3);
  const hurried = clientOf({ fetch: busy.fetch, clock, deadlineMs: 2_000 });
  assert.equal((await raised(hurried.auth.me())).type, "RATE_LIMITED");
  assert.equal(busy.seen.length, 1);
});

test("a deadline holds for the trade of a session before the call as well", async () => {
  const clock = hurriedClock();
  const session = { accessToken: "a", refreshToken: "r", expiresAt: clock.now() };
  const { fetch, seen } = answering(never);
  const startedAt = clock.now();
  const error = await raised(clientOf({ fetch, clock, session }).auth.me({ deadlineMs: 1_000 }));
  assert.deepEqual([error.type, seen[0]?.url], ["NETWORK_TIMEOUT", "http://gate.test/auth/refresh"]);
  assert.equal(clock.now() - startedAt, 1_000);
});
