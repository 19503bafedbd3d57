import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { type Services, startServices } from "../../../scripts/services.ts";
import { systemClock } from "../lib/clock.ts";
import { until } from "../lib/until.testing.ts";
import { openRedis, type RedisDoor, RedisUnavailable } from "./redis.ts";
import { missing } from "./testing.ts";

suite("Redis", { skip: missing("redis") }, () => {
  let services: Services;
  let redis: RedisDoor;
  let administrator: Redis;
  before(async () => {
    services = await startServices();
    administrator = new Redis(services.redisUrl);
    redis = openRedis({ url: services.redisUrl, clock: systemClock });
  });
  after(async () => {
    administrator.disconnect();
    await redis.close();
    await services.stop();
  });

  const timed = async (call: Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await assert.rejects(call, RedisUnavailable);
    return performance.now() - started;
  };

  test("the first command waits for the connection; keys, numbers and texts arrive as they went", async () => {
    const echo = redis.define("return { KEYS[1], ARGV[1], ARGV[2], 3, false }");
    assert.deepEqual(await echo(["{tg}:key"], [1.5, "text"], 200), ["{tg}:key", "1.5", "text", 3, null]);
    await redis.ping();
  });

  test("a script the server has forgotten is sent again", async () => {
    const count = redis.define("return redis.call('INCR', KEYS[1])");
    assert.equal(await count(["counter"], [], 200), 1);
    await administrator.script("FLUSH");
    assert.equal(await count(["counter"], [], 200), 2);
  });

  test("a cut connection is made again", async () => {
    await administrator.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    await pause(300);
    await redis.ping();
  });

  test("what is published is heard, and again after a cut connection, until nobody listens", async () => {
    const heard: string[] = [];
    let connections = 0;
    const stop = redis.subscribe("{tg}:channel", {
      message: (text) => heard.push(text),
      listening: () => {
        connections += 1;
      },
    });
    await until(() => connections === 1);
    const publish = redis.define("return redis.call('PUBLISH', '{tg}:channel', ARGV[1])");
    assert.equal(await publish([], ["one"], 200), 1);
    await until(() => heard.length === 1);
    await administrator.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => connections === 2);
    assert.equal(await publish([], ["two"], 200), 1);
    await until(() => heard.length === 2);
    stop();
    await until(async () => (await publish([], ["three"], 200)) === 0);
    assert.deepEqual(heard, ["one", "two"]);
  });

  test("a script that fails is an error at once and does not count as an outage", async () => {
    const wrong = redis.define("return redis.call('NO_SUCH_COMMAND')");
    for (let call = 0; call < 5; call++) assert.ok((await timed(wrong([], [], 200))) < 150);
    await redis.ping();
  });

  test("a frozen server costs three callers their time limit, then nobody, and is used again when it thaws", async () => {
    const script = redis.define("return 1");
    await script([], [], 200);
    process.kill(services.redisPid, "SIGSTOP");
    try {
      for (let call = 0; call < 3; call++) {
        const took = await timed(script([], [], 50));
        assert.ok(took > 45 && took < 150, `took ${took} ms`);
      }
      for (let call = 0; call < 10; call++) assert.ok((await timed(script([], [], 50))) < 20);
      await pause(1_000);
      const probes = await Promise.all(Array.from({ length: 5 }, () => timed(script([], [], 50))));
      assert.equal(probes.filter((took) => took > 45).length, 1, "one caller tries for all");
    } finally {
      process.kill(services.redisPid, "SIGCONT");
    }
    await pause(1_000);
    assert.equal(await script([], [], 200), 1);
  });

  test("a server that is not there is an error at once", async () => {
    const nobody = openRedis({ url: "redis://127.0.0.1:1", clock: systemClock });
    await timed(nobody.ping());
    assert.ok((await timed(nobody.define("return 1")([], [], 50))) < 50);
    await nobody.close();
    await timed(nobody.ping());
  });
});
