import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { DAY_MS, systemClock, VirtualClock } from "../lib/clock.ts";
import { openRedis, type RedisDoor } from "../store/redis.ts";
import { countersContract, dimension, NOON, type Subject, sameDecisions } from "./counters.contract.ts";
import { type Entry, memoryCounters } from "./counters.memory.ts";
import { keyOf, redisCounters } from "./counters.redis.ts";
import { patient } from "./counters.testing.ts";
import { type Counters, CountersUnavailable, type Dimension } from "./limit.ts";
import type { State } from "./shapes.ts";

const deployment = "tests";

const url = process.env.TOLLGATE_TEST_REDIS_URL;
if (url === undefined && process.env.REQUIRE_SERVICES === "1")
  throw new Error("TOLLGATE_TEST_REDIS_URL is not set");

describe("counters in Redis", { skip: url === undefined && "TOLLGATE_TEST_REDIS_URL is not set" }, () => {
  const doors: RedisDoor[] = [];
  const open = (): RedisDoor => {
    const door = openRedis({ url: url!, clock: systemClock });
    doors.push(door);
    return patient(door);
  };
  after(() => Promise.all(doors.map((door) => door.close())));

  countersContract(async () => inRedis(open()));

  test("memory and Redis agree on every answer and every state", async () => {
    const redis = open();
    for (const seed of [1, 2, 3, 4]) {
      await sameDecisions(inMemory(), inRedis(redis), seed, OPERATIONS_PER_SEED);
    }
  });

  test("four connections with 100 calls each on a limit of 20: exactly 20 pass", async () => {
    const limit = dimension(randomUUID(), { limit: 20 });
    const calls = Array.from({ length: 4 }, () => redisCounters({ redis: open(), deployment })).flatMap(
      (counters) => Array.from({ length: 100 }, () => counters.take([limit], true)),
    );
    const taken = await Promise.all(calls);
    assert.equal(taken.filter(({ allowed }) => allowed).length, 20);
  });

  test("without a clock of its own the server's time decides, and a state expires when it no longer matters", async () => {
    const redis = open();
    const counters = redisCounters({ redis, deployment });
    const window = dimension(randomUUID(), { windowMs: 60_000 });
    const bucket = dimension(randomUUID(), { shape: "bucket", limit: 60, capacity: 9, cost: 9 });
    const quota = dimension(randomUUID(), { shape: "dailyQuota", windowMs: DAY_MS });
    await counters.seed(quota, 1);
    const { now, judgements } = await counters.take([window, bucket, quota], true);
    assert.ok(Math.abs(now - systemClock.now()) < 5_000);
    const lifeMs = { window: 60_000, bucket: 9_000 + 1_000, dailyQuota: judgements[2]!.resetMs + DAY_MS };
    for (const { key, shape } of [window, bucket, quota]) {
      const [type, , expiresAt] = await dump(redis, key);
      assert.equal(type, "hash");
      assert.ok(Math.abs(expiresAt - now - lifeMs[shape as keyof typeof lifeMs]) < 500);
    }
  });

  test("a key that holds something else makes the counters unavailable instead of allowing the call", async () => {
    const redis = open();
    const key = randomUUID();
    await redis.define("redis.call('SET', KEYS[1], 'x', 'PX', '60000') return 1")(
      [keyOf(deployment, key)],
      [],
      1_000,
    );
    await assert.rejects(
      redisCounters({ redis, deployment }).take([dimension(key)], true),
      CountersUnavailable,
    );
  });

  test("a server that is not there makes the counters unavailable at once", async () => {
    const redis = openRedis({ url: "redis://127.0.0.1:1", clock: systemClock });
    const counters = redisCounters({ redis, deployment });
    const started = systemClock.monotonic();
    await assert.rejects(counters.take([dimension("k")], true), CountersUnavailable);
    await assert.rejects(counters.seed(dimension("k", { shape: "dailyQuota" }), 1), CountersUnavailable);
    await assert.rejects(counters.raiseEpoch("k", 1), CountersUnavailable);
    const elsewhere = await inMemory().counters.take([dimension("k")], true);
    await assert.rejects(counters.giveBack([dimension("k")], elsewhere), CountersUnavailable);
    assert.equal(await counters.healthy(), false);
    assert.ok(systemClock.monotonic() - started < 1_000);
    await counters.close();
    await redis.close();
  });

  test("a server that answers is healthy", async () => {
    assert.equal(await redisCounters({ redis: open(), deployment }).healthy(), true);
  });
});

/** Many enough to meet every branch thousands of times. */
const OPERATIONS_PER_SEED = 6_000;

function inMemory(): Subject {
  const clock = new VirtualClock(NOON);
  const entries = new Map<string, Entry>();
  return {
    counters: memoryCounters({ clock, entries }),
    clock,
    stateOf: async (key) => entries.get(key)?.state,
    snapshot: async (keys) => JSON.stringify(keys.map((key) => entries.get(key))),
  };
}

/** Empty counters: their keys carry a prefix of their own. */
function inRedis(redis: RedisDoor): Subject {
  const prefix = `${randomUUID()}:`;
  const clock = new VirtualClock(NOON);
  const shared = redisCounters({ redis, deployment, clock });
  const own = (dimension: Dimension): Dimension => ({ ...dimension, key: prefix + dimension.key });
  const counters: Counters = {
    ...shared,
    take: (dimensions, commit) => shared.take(dimensions.map(own), commit),
    giveBack: (dimensions, taken) => shared.giveBack(dimensions.map(own), taken),
    seed: (dimension, used) => shared.seed(own(dimension), used),
    raiseEpoch: (key, epoch) => shared.raiseEpoch(prefix + key, epoch),
  };
  return {
    counters,
    clock,
    stateOf: async (key) => stateFrom(await dump(redis, prefix + key)),
    snapshot: async (keys) => JSON.stringify(await Promise.all(keys.map((key) => dump(redis, prefix + key)))),
  };
}

/** Type, fields and the time of expiry (ms since the epoch, -1: never), exactly as stored. */
type Dump = readonly [type: string, fields: readonly string[], expiresAt: number];

async function dump(redis: RedisDoor, key: string): Promise<Dump> {
  return (await redis.define(dumpLua)([keyOf(deployment, key)], [], 10_000)) as Dump;
}

const dumpLua = `
local kind = redis.call('TYPE', KEYS[1]).ok
local fields = {}
if kind == 'hash' then fields = redis.call('HGETALL', KEYS[1]) end
if kind == 'string' then fields = { redis.call('GET', KEYS[1]) } end
return { kind, fields, redis.call('PEXPIRETIME', KEYS[1]) }`;

function stateFrom([type, fields]: Dump): State | undefined {
  if (type === "none") return undefined;
  if (type === "string") return { since: 0, amount: Number(fields[0]) };
  const named = Object.fromEntries(fields.map((name, i) => [name, Number(fields[i + 1])]));
  return { since: (named.s ?? named.u)!, amount: (named.c ?? named.t)! };
}
