import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { openRedis, type RedisDoor } from "../store/redis.ts";
import { missing } from "../store/testing.ts";
import { NOON } from "./counters.contract.ts";
import { redisCounters } from "./counters.redis.ts";
import { patient } from "./counters.testing.ts";
import { ann, signInContract, throttles } from "./sign-in.contract.ts";

const url = process.env.TOLLGATE_TEST_REDIS_URL;

describe("sign-ins counted in Redis", { skip: missing("redis") }, () => {
  const doors: RedisDoor[] = [];
  const open = (to = url!): RedisDoor => {
    const door = openRedis({ url: to, clock: systemClock });
    doors.push(door);
    return door;
  };
  after(() => Promise.all(doors.map((door) => door.close())));

  signInContract((clock) => redisCounters({ redis: patient(open()), deployment: randomUUID(), clock }));

  test("a Redis that freezes opens no door: this process refuses as strictly, and soon", async () => {
    await using line = await lineTo(url!);
    const redis = open(line.url);
    await redis.ping();
    const clock = new VirtualClock(NOON);
    const counters = redisCounters({ redis, deployment: randomUUID(), clock });
    const { signIns, passed } = throttles({ counters, clock });
    const succeed = await signIns.reserve({ ...ann, email: "bob@example.com" });

    line.freeze();
    const started = systemClock.monotonic();
    assert.equal(await passed(200, () => ann), 5);
    assert.equal(await passed(200, () => ann), 0);
    await succeed();
    assert.ok(systemClock.monotonic() - started < 2_000);
  });
});

/** A line to Redis that can stop carrying anything. */
async function lineTo(url: string): Promise<AsyncDisposable & { readonly url: string; freeze(): void }> {
  const target = new URL(url);
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    sockets.push(client, upstream);
    client.on("error", () => {}).pipe(upstream);
    upstream.on("error", () => {}).pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const here = new URL(url);
  here.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: here.href,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
