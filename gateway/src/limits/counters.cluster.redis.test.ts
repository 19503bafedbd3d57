import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { systemClock } from "../lib/clock.ts";
import { openRedis, type RedisDoor } from "../store/redis.ts";
import { missingCluster, startCluster, type TestCluster } from "./cluster.testing.ts";
import { countersContract, dimension } from "./counters.contract.ts";
import { keyOf, redisCounters } from "./counters.redis.ts";
import { inMemory, inRedis, patient } from "./counters.testing.ts";
import { holdsContract } from "./holds.contract.ts";
import { leasesContract } from "./leases.contract.ts";
import { CountersUnavailable } from "./limit.ts";
import { sameDecisions } from "./replay.testing.ts";
import { settleContract } from "./settle.contract.ts";

describe("counters in a Redis Cluster of three masters", { skip: missingCluster() }, () => {
  let cluster: TestCluster;
  let doors: readonly RedisDoor[] = [];
  before(async () => {
    cluster = await startCluster();
    doors = cluster.ports.map((port) =>
      patient(openRedis({ url: `redis+cluster://127.0.0.1:${port}`, clock: systemClock })),
    );
  });
  after(async () => {
    await Promise.all(doors.map((door) => door.close()));
    await cluster[Symbol.asyncDispose]();
  });

  const open = async () => inRedis(doors[0]!);
  countersContract(open);
  leasesContract(open);
  holdsContract(open);
  settleContract(open);

  test("memory and the cluster agree on every answer and every state", async () => {
    await sameDecisions(inMemory(), await open(), 21, 3_000);
  });

  test("whichever node an instance was told, all count together", async () => {
    const limit = dimension("shared", { limit: 20 });
    const calls = doors.flatMap((redis) => {
      const counters = redisCounters({ redis, deployment: "cluster" });
      return Array.from({ length: 40 }, () => counters.take([limit], true));
    });
    const taken = await Promise.all(calls);
    assert.equal(taken.filter(({ allowed }) => allowed).length, 20);
  });

  test("one node has every key, for a script may not touch two", async () => {
    const sizes = await Promise.all(cluster.ports.map(sizeOf));
    assert.equal(sizes.filter((size) => size > 0).length, 1);
    const across = doors[0]!.define("return redis.call('GET', KEYS[1])");
    await assert.rejects(across([keyOf("d", "a"), "another"], [], 10_000));
  });

  test("while the node with the keys is frozen the counters are away, soon, and then back", async () => {
    const redis = openRedis({ url: `redis+cluster://127.0.0.1:${cluster.ports[0]}`, clock: systemClock });
    const counters = redisCounters({ redis, deployment: "frozen" });
    const limit = dimension("frozen", { limit: 1_000 });
    await inRedis(patient(redis)).counters.take([limit], true);
    const sizes = await Promise.all(cluster.ports.map(sizeOf));
    const owner = cluster.pids[sizes.findIndex((size) => size > 0)]!;
    process.kill(owner, "SIGSTOP");
    try {
      const started = systemClock.monotonic();
      for (let i = 0; i < 10; i++) await assert.rejects(counters.take([limit], true), CountersUnavailable);
      assert.ok(systemClock.monotonic() - started < 1_000);
    } finally {
      process.kill(owner, "SIGCONT");
    }
    for (let tries = 0; ; tries++) {
      const isBack = await counters.take([limit], true).then(
        () => true,
        () => false,
      );
      if (isBack) break;
      assert.ok(tries < 100, "still away after 10 s");
      await pause(100);
    }
    await redis.close();
  });
});

async function sizeOf(port: number): Promise<number> {
  const node = new Redis(port, "127.0.0.1");
  try {
    return await node.dbsize();
  } finally {
    node.disconnect();
  }
}
