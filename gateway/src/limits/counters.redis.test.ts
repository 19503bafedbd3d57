import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { DAY_MS, systemClock } from "../lib/clock.ts";
import { openRedis, type RedisDoor } from "../store/redis.ts";
import { countersContract, dimension } from "./counters.contract.ts";
import { keyOf, redisCounters } from "./counters.redis.ts";
import { dump, inMemory, inRedis, patient } from "./counters.testing.ts";
import { holdsContract } from "./holds.contract.ts";
import { leasesContract } from "./leases.contract.ts";
import { CountersUnavailable } from "./limit.ts";
import { sameDecisions } from "./replay.testing.ts";
import { settleContract } from "./settle.contract.ts";

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

  const shared = open();
  countersContract(async () => inRedis(shared));
  leasesContract(async () => inRedis(shared));
  holdsContract(async () => inRedis(shared));
  settleContract(async () => inRedis(shared));

  test("memory and Redis agree on every answer and every state", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      await sameDecisions(inMemory(), inRedis(shared), seed, OPERATIONS_PER_SEED);
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
    const aligned = dimension(randomUUID(), { shape: "aligned", windowMs: DAY_MS });
    const sliding = dimension(randomUUID(), { shape: "sliding", windowMs: DAY_MS });
    const lease = dimension(randomUUID(), { shape: "lease", windowMs: 60_000, lease: "a" });
    const limits = [window, bucket, quota, aligned, sliding, lease];
    await counters.seed(quota, 1);
    const { now, judgements } = await counters.take(limits, true);
    assert.ok(Math.abs(now - systemClock.now()) < 5_000);
    const leftOfDayMs = judgements[2]!.resetMs;
    const lifeMs = {
      window: 60_000,
      bucket: 9_000 + 1_000,
      dailyQuota: leftOfDayMs + DAY_MS,
      aligned: leftOfDayMs,
      sliding: leftOfDayMs + DAY_MS,
      lease: 60_000 + 1_000,
    };
    for (const { key, shape } of limits) {
      const [, , expiresAt] = await dump(redis, keyOf(deployment, key));
      assert.ok(Math.abs(expiresAt - now - lifeMs[shape as keyof typeof lifeMs]) < 500, shape);
    }
  });

  test("a hold is remembered for a day after its end, for the next one", async () => {
    const [windowKey, holdKey] = [randomUUID(), randomUUID()];
    const rule = { windowKey, holdKey, threshold: 1, windowMs: 60_000, baseMs: 30_000, capMs: 60_000 };
    const { until } = await redisCounters({ redis: shared, deployment }).strike(rule);
    const [, , expiresAt] = await dump(shared, keyOf(deployment, holdKey));
    assert.ok(Math.abs(expiresAt - until - DAY_MS) < 500);
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
