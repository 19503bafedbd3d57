import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import { until } from "../gateway/src/lib/until.testing.ts";
import { ask, atOnce, tally, told } from "./ask.ts";
import { type Event, unexplained } from "./histories.ts";
import { type Instances, startInstances } from "./instances.ts";
import * as shapes from "./limit-shapes.ts";
import { changeUser, issueKey, newAdministrator, type Person } from "./people.ts";
import { newStores, type Stores, withoutStores } from "./stores.ts";

const { CHAT, chat, freshUser, override, seen } = shapes;
const skip = withoutStores();
const RUNS = 20;
const REFUSALS = 1_000;

let stores: Stores;
let instances: Instances;
let admin: Person;
let redis: Redis;

before(async () => {
  if (skip !== false) return;
  stores = await newStores();
  const bounds = {
    REDIS_FAIL_MODE: "closed",
    IP_RATE_LIMIT_PER_MINUTE: "1",
    IP_RATE_LIMIT_BURST: "1000000",
  };
  instances = await startInstances(3, { ...stores.env, ...shapes.shapedEnv, ...bounds }, shapes.shapedConfig);
  admin = await newAdministrator(instances.url(0), instances.setupToken!);
  redis = new Redis(stores.env.REDIS_URL!);
});
after(async () => {
  redis?.disconnect();
  await instances?.[Symbol.asyncDispose]();
  await stores?.[Symbol.asyncDispose]();
});

/** The first `count` instances. */
const site = (count: number): shapes.Site => ({ urls: instances.urls.slice(0, count), admin });

for (const shape of shapes.limitShapes) {
  test(`${shape.name}: of ten times the limit at once on 1, 2 and 3 instances exactly the limit passes`, {
    skip,
  }, async () => {
    for (let run = 0; run < RUNS; run++)
      await shapes.assertExact(site(1 + (run % 3)), shape, 2 + ((7 * run) % 19));
  });
}

test("what concurrent calls on two instances are told could have been told one after another", {
  skip,
}, async () => {
  for (const id of ["key-plan-minute", "user-minute", "chat-window"]) {
    const shape = shapes.limitShapes.find((one) => one.id === id)!;
    for (let run = 0; run < 8; run++) {
      await shapes.undisturbed(async () => {
        const limit = 10 + run;
        const token = await shapes.withRoom(site(2), shape, limit);
        await shapes.awayFromMinuteEnd();
        const history = await historyOf(site(2).urls, token, { callers: 2 + run, each: 4 + (run % 4) });
        assert.equal(unexplained(history, limit), undefined, `${shape.name}, run ${run}`);
      });
    }
  }
});

/** Callers that each ask one call after another. */
async function historyOf(
  urls: readonly string[],
  token: string,
  { callers, each }: { callers: number; each: number },
): Promise<readonly Event[]> {
  const histories = await atOnce(callers, async (caller) => {
    const events: Event[] = [];
    for (let step = 0; step < each; step++) {
      const startedAt = performance.now();
      const { status, headers } = await ask(urls[(caller + step) % urls.length]!, CHAT, chat(token));
      const endedAt = performance.now();
      assert.ok(status === 200 || status === 429, `answered: ${status}`);
      const remaining = Number(headers.get("x-ratelimit-remaining"));
      events.push({ startedAt, endedAt, admitted: status === 200, remaining });
    }
    return events;
  });
  return histories.flat();
}

test("1,000 refusals by one limit leave all that Redis holds as it was, to the byte and to the millisecond", {
  skip,
}, async () => {
  const user = freshUser();
  const { urls } = site(3);
  const plenty = Object.fromEntries(
    ["chat-window", "user-minute", "user-day", "user-tokens-minute", "user-parallel"]
      .concat(["key-plan-minute", "key-plan-day", "key-tokens-minute", "key-parallel"])
      .map((id) => [id, 1_000_000]),
  );
  await override(site(1), user, plenty);
  const { key } = await issueKey(urls[0]!, user, { daily_quota: 1_000 });
  for (let i = 0; i < 3; i++) assert.equal((await ask(urls[i]!, CHAT, chat(key))).status, 200);
  await shapes.awayFromMinuteEnd();

  for (const [id, count] of [
    ["user-minute", REFUSALS],
    ["chat-window", 100],
    ["user-day", 100],
    ["key-plan-minute", 100],
  ] as const) {
    await override(site(1), user, { [id]: (await seen(urls[0]!, key, id)).used });
    // Instances hear of the change by the fence, once.
    for (const url of urls) assert.equal((await ask(url, CHAT, chat(key))).status, 429, id);
    const before = await everythingInRedis();
    for (let done = 0; done < count; done += 50) {
      const replies = await atOnce(50, (i) => ask(urls[i % 3]!, CHAT, chat(key)));
      // A busy machine may keep Redis from answering in time.
      const { 429: refused = 0, 503: unanswered = 0 } = tally(replies);
      assert.ok(refused > 0 && refused + unanswered === 50, JSON.stringify(tally(replies)));
    }
    const after = await everythingInRedis();
    const now = Date.now();
    assert.deepEqual(unexpired(after, now), unexpired(before, now), id);
    for (const kept of [":key-minute:", ":ip-minute:", ":key-day:", ":user-day:"]) {
      assert.ok(
        Object.keys(unexpired(before, now)).some((name) => name.includes(kept)),
        kept,
      );
    }
    await override(site(1), user, { [id]: 1_000_000 });
  }
});

/** By key its value as Redis would dump it, and when it expires: milliseconds since the epoch, or -1. */
type Held = Readonly<Record<string, readonly [dump: string | undefined, expiresAt: number]>>;

function unexpired(held: Held, now: number): Held {
  return Object.fromEntries(Object.entries(held).filter(([, [, at]]) => at === -1 || at > now));
}

async function everythingInRedis(): Promise<Held> {
  const names = (await redis.keys("*")).toSorted();
  const entries = await Promise.all(
    names.map(async (name) => {
      const [value, expiresAt] = await Promise.all([redis.dumpBuffer(name), redis.pexpiretime(name)]);
      return [name, [value?.toString("base64"), expiresAt]] as const;
    }),
  );
  return Object.fromEntries(entries);
}

test("plans, a user's own limits and resets count from the very next request on, on every instance", {
  skip,
}, async () => {
  const [a = "", b = ""] = instances.urls;
  const { token } = admin;
  const user = freshUser();
  const setPlan = (url: string, requests_per_minute: number) =>
    told(url, "PUT /admin/plans/gold", { token, json: { limits: { requests_per_minute } } });
  const told5 = async (url: string, expected: readonly (number | string | null)[]) => {
    const { status, headers } = await ask(url, CHAT, chat(user.token));
    const shown = ["limit", "remaining"].map((name) => headers.get(`x-ratelimit-${name}`));
    assert.deepEqual([status, ...shown.map((text) => (text === null ? null : Number(text)))], expected);
  };
  await setPlan(a, 5);
  await shapes.awayFromMinuteEnd();
  await changeUser(a, admin, user.id, { plan: "gold" });
  for (const [i, url] of [b, a, b, a, b].entries()) await told5(url, [200, 5, 4 - i]);
  for (const url of [a, b]) await told5(url, [429, 5, 0]);

  await setPlan(b, 7);
  for (const [i, url] of [a, b].entries()) await told5(url, [200, 7, 1 - i]);
  for (const url of [a, b]) await told5(url, [429, 7, 0]);

  await override(site(1), user, { "user-minute": 8 });
  await told5(b, [200, 8, 0]);
  await override(site(1), user, { "user-minute": 3 });
  for (const url of [b, a]) await told5(url, [429, 3, 0]);
  await override(site(1), user, { "user-minute": null });
  for (const url of [b, a]) await told5(url, [429, 7, 0]);

  await told(b, `POST /admin/users/${user.id}/limits/reset`, { token, json: { id: "user-minute" } });
  for (const [i, url] of [a, b].entries()) await told5(url, [200, 7, 6 - i]);

  await changeUser(b, admin, user.id, { plan: null });
  for (const url of [a, b]) assert.equal((await ask(url, CHAT, chat(user.token))).status, 200);
  await until(async () => (await seen(a, user.token, "user-minute")) === undefined);
});
