import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../gateway/src/lib/until.testing.ts";
import { ask, atOnce, type Reply, tally } from "./ask.ts";
import { type Instances, startInstances } from "./instances.ts";
import * as shapes from "./limit-shapes.ts";
import { issueKey, newAdministrator } from "./people.ts";
import { type FragileRedis, startFragileRedis } from "./redis.ts";
import { newStores, type Stores, withoutStores } from "./stores.ts";

const { CHAT, chat, freshUser, override } = shapes;
const skip = withoutStores();
const LONGEST_ANSWER_MS = 1_000;
const RECOVERY_MS = 2_000;
const QUOTA = 20;

let stores: Stores;
let redis: FragileRedis;
let instances: Instances;
let site: shapes.Site;

before(async () => {
  if (skip !== false) return;
  stores = await newStores();
  redis = await startFragileRedis();
  const env = {
    ...stores.env,
    ...shapes.shapedEnv,
    REDIS_URL: redis.url,
    RATE_LIMIT_LOCAL_SHARE_PERCENT: "50",
  };
  const config = `
limits:
  user-minute: { fail_mode: closed }
  user-parallel: { fail_mode: open }
`;
  instances = await startInstances(2, env, config);
  site = { urls: instances.urls, admin: await newAdministrator(instances.url(0), instances.setupToken!) };
});
after(async () => {
  for (const server of instances?.servers ?? []) await server.kill("SIGKILL");
  await instances?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  await stores?.[Symbol.asyncDispose]();
});

/** A user with room for `limit` calls, as far as this limit is concerned. */
async function limited(id: string, limit: number): Promise<string> {
  const user = freshUser();
  await override(site, user, { [id]: limit });
  return user.token;
}

type Timed = Reply & { readonly elapsedMs: number };

/** Calls at once over both instances: none takes longer than a second, whatever it is told. */
async function calls(token: string, count: number): Promise<readonly Timed[]> {
  const replies = await atOnce(count, async (i) => {
    const startedAt = performance.now();
    const reply = await ask(instances.url(i), CHAT, chat(token));
    return { ...reply, elapsedMs: performance.now() - startedAt };
  });
  for (const { status, elapsedMs, text } of replies) {
    assert.ok(elapsedMs < LONGEST_ANSWER_MS, `an answer took ${elapsedMs} ms`);
    assert.ok([200, 429, 503].includes(status), text);
  }
  return replies;
}

const passed = (replies: readonly Reply[]) => replies.filter(({ status }) => status === 200).length;

async function isShared(): Promise<boolean> {
  const token = freshUserToken();
  const replies = await Promise.all(site.urls.map((url) => ask(url, CHAT, chat(token))));
  return replies.every(({ status, headers }) => status === 200 && !headers.has("x-ratelimit-degraded"));
}

/** Meets the address's bucket and no limit else. */
let probe: string | undefined;
function freshUserToken(): string {
  probe ??= freshUser().token;
  return probe;
}

async function assertExactAgain(since: number): Promise<void> {
  await until(() => performance.now() >= since + RECOVERY_MS);
  assert.ok(await isShared());
  assert.equal(passed(await calls(await limited("chat-window", 10), 60)), 10);
}

/** A key of which half the day's quota is used, and PostgreSQL knows. */
async function halfUsed(): Promise<string> {
  const { id, key } = await issueKey(site.urls[0]!, freshUser(), { daily_quota: QUOTA });
  assert.equal(passed(await calls(key, QUOTA / 2)), QUOTA / 2);
  await until(async () => {
    const { daily_usage } = await stores.db
      .selectFrom("api_keys")
      .select("daily_usage")
      .where("id", "=", id)
      .executeTakeFirstOrThrow();
    return daily_usage === QUOTA / 2;
  });
  return key;
}

/** Asks without a pause until stopped; answers how many passed. */
function load(token: string): { stop(): Promise<readonly Timed[]> } {
  let isOver = false;
  const work = (async () => {
    const replies: Timed[] = [];
    while (!isOver) replies.push(...(await calls(token, 8)));
    return replies;
  })();
  return {
    stop() {
      isOver = true;
      return work;
    },
  };
}

test("a Redis frozen in mid-load: every answer within a second and right, and exact again within two", {
  skip,
}, async () => {
  const quota = await halfUsed();
  const [local, closed, open] = [
    await limited("chat-window", 20),
    await limited("user-minute", 1_000),
    await limited("user-parallel", 0),
  ];
  const other = load(await limited("user-day", 1_000_000));
  assert.equal((await ask(site.urls[0]!, CHAT, chat(open))).status, 429);
  await pause(100);
  const thaw = redis.freeze();
  const windows = await calls(local, 60);
  assert.equal(passed(windows), 20, "each instance grants its half");
  assert.ok(windows.every(({ headers }) => headers.get("x-ratelimit-degraded") === "local"));
  assert.deepEqual(tally(await calls(closed, 10)), { 503: 10 });
  assert.deepEqual(tally(await calls(open, 10)), { 200: 10 });
  assert.equal(passed(await calls(quota, 60)), QUOTA / 2, "PostgreSQL counts the day");
  const during = await other.stop();
  assert.deepEqual(tally(during), { 200: during.length });
  thaw();
  await assertExactAgain(performance.now());
  assert.equal(passed(await calls(quota, 20)), 0, "the day's quota stays used up");
  assert.equal((await ask(site.urls[0]!, CHAT, chat(closed))).status, 200);
});

test("a Redis killed in mid-load and started again empty refills no day's quota", { skip }, async () => {
  const quota = await halfUsed();
  const other = load(await limited("user-day", 1_000_000));
  await pause(100);
  await redis.kill();
  assert.equal(passed(await calls(quota, 60)), QUOTA / 2);
  assert.equal(passed(await calls(quota, 10)), 0);
  await redis.start();
  const startedAt = performance.now();
  assert.equal(passed(await calls(quota, 10)), 0);
  await assertExactAgain(startedAt);
  assert.equal(passed(await calls(quota, 10)), 0);
  const during = await other.stop();
  assert.deepEqual(tally(during), { 200: during.length });
});

test("a Redis that loses everything refills no day's quota", { skip }, async () => {
  const quota = await halfUsed();
  await redis.flush();
  assert.equal(passed(await calls(quota, 60)), QUOTA / 2);
  await until(async () => {
    await redis.flush();
    return (await calls(quota, 2)).every(({ code }) => code === "QUOTA_EXCEEDED");
  });
  await assertExactAgain(performance.now());
});

test("under a Redis that stutters every answer comes within a second, and exact again within two", {
  skip,
}, async () => {
  const [window, free] = [await limited("chat-window", 20), await limited("user-day", 1_000_000)];
  const other = load(free);
  let granted = 0;
  for (let stutter = 0; stutter < 8; stutter++) {
    const thaw = redis.freeze();
    granted += passed(await calls(window, 6));
    await pause(150);
    thaw();
    granted += passed(await calls(window, 6));
    await pause(50);
  }
  const thawedAt = performance.now();
  assert.ok(granted >= 20 && granted <= 40, `${granted} of 20 shared and 20 local ones`);
  const during = await other.stop();
  assert.deepEqual(tally(during), { 200: during.length });
  await assertExactAgain(thawedAt);
});
