import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { startFragileRedis } from "../../../acceptance/redis.ts";
import { systemClock } from "../lib/clock.ts";
import { systemChance } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { missingCluster, startCluster } from "../limits/cluster.testing.ts";
import { openRedis, type RedisDoor } from "../store/redis.ts";
import { missing } from "../store/testing.ts";
import type { BreakerRules } from "./breaker.ts";
import { breakersContract } from "./breakers.contract.ts";
import { redisBreakers } from "./breakers.redis.ts";
import { inMemory, inRedis, keysOf, patient, play, providers, randomMoves } from "./breakers.testing.ts";
import { type Breakers, openBreakers, type Pass, type Refusal } from "./breakers.ts";

const url = process.env.TOLLGATE_TEST_REDIS_URL;
const quick: BreakerRules = { threshold: 5, openMs: 300, probeLeaseMs: 400 };

describe("breakers in Redis", { skip: missing("redis") }, () => {
  const closing: (() => Promise<void>)[] = [];
  after(async () => {
    for (const close of closing) await close();
  });
  const door = (to = url!): RedisDoor => {
    const opened = openRedis({ url: to, clock: systemClock });
    closing.push(opened.close);
    return opened;
  };

  /** Instances as processes have them: each with connections of its own. */
  function instances(count: number, to = url!, rules = quick) {
    const deployment = randomUUID();
    const told: string[] = [];
    const all = Array.from({ length: count }, (_, i): Breakers => {
      const store = redisBreakers({ redis: patient(door(to)), rules, keyOf: keysOf(deployment) });
      const breakers = openBreakers({
        clock: systemClock,
        chance: systemChance,
        rules,
        providers: () => providers,
        store,
        onChange: ({ change, isShared }) => told.push(`${i} ${change}${isShared ? "" : " here"}`),
        onTrouble: () => {},
      });
      closing.unshift(breakers.close);
      return breakers;
    });
    return { all, told, changes: () => told.map((text) => text.slice(2)) };
  }

  const shared = patient(door());
  breakersContract(async () => inRedis(shared));

  test("memory and Redis agree on every answer and every state", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const [memory, redis] = [inMemory(), inRedis(shared)];
      const met = new Set<string>();
      for (const move of randomMoves(seed, 3_000)) {
        const where = `seed ${seed}: ${JSON.stringify(move)}`;
        const [left, right] = [await play(memory, move), await play(redis, move)];
        assert.deepStrictEqual(right, left, where);
        assert.deepStrictEqual(await redis.store.read(providers), await memory.store.read(providers), where);
        met.add(String((left as { change?: string } | undefined)?.change));
      }
      for (const change of ["opened", "reopened", "probing", "closed"]) assert.ok(met.has(change), change);
    }
  });

  test("four instances on one breaker: five failures open it, each window has one probe, one success closes it", async () => {
    const { all, told, changes } = instances(4);
    for (let i = 0; i < 5; i++) await report(all[i % 4]!, "failure");
    await until(() => all.every((breakers) => stateOf(breakers) === "open"));
    for (let window = 0; window < 3; window++) {
      const { probes } = await race(all);
      assert.equal(probes.length, 1, `window ${window}`);
      probes[0]!.report("failure");
      await until(() => all.every((breakers) => stateOf(breakers) === "open"));
    }
    const lost = await race(all);
    const replaced = await race(all);
    assert.deepEqual([lost.probes.length, replaced.probes.length], [1, 1]);
    assert.ok(replaced.passedAt - lost.passedAt > 300, "not before its lease is over");
    lost.probes[0]!.report("ok");
    await pause(50);
    assert.ok(all.every((breakers) => stateOf(breakers) !== "closed"));
    replaced.probes[0]!.report("ok");
    await until(() => all.every((breakers) => stateOf(breakers) === "closed"));
    assert.equal(told[0], "0 opened");
    const again = ["probing", "reopened"];
    assert.deepEqual(changes(), ["opened", ...again, ...again, ...again, "probing", "probing", "closed"]);
  });

  test("of three hundred calls at once on three instances and a half-open breaker exactly one passes", async () => {
    const { all } = instances(3);
    for (let i = 0; i < 5; i++) await report(all[0]!, "failure");
    await until(() => all.every((breakers) => stateOf(breakers) === "half_open"));
    const calls = Array.from({ length: 300 }, (_, i) => all[i % 3]!.admit("openai"));
    const passes = (await Promise.all(calls)).filter(({ kind }) => kind === "pass");
    assert.equal(passes.length, 1);
  });

  test("every instance hears of a change within milliseconds, on a cluster too", {
    skip: missingCluster(),
  }, async () => {
    await using cluster = await startCluster();
    const redisUrl = `redis+cluster://127.0.0.1:${cluster.ports[0]}`;
    const { all, changes } = instances(3, redisUrl, { ...quick, openMs: 60_000 });
    await Promise.all(all.map((breakers) => breakers.states()));
    await pause(300);
    const heardAfterMs: number[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 5; i++) await report(all[round % 3]!, "failure");
      const startedAt = systemClock.monotonic();
      await until(() => all.every((breakers) => stateOf(breakers) === "open"));
      heardAfterMs.push(systemClock.monotonic() - startedAt);
      await all[0]!.reset("openai");
      await until(() => all.every((breakers) => stateOf(breakers) === "closed"));
    }
    assert.ok(heardAfterMs.toSorted((a, b) => a - b)[1]! < 100, String(heardAfterMs));
    assert.deepEqual(changes(), Array.from({ length: 4 }, () => ["opened", "closed"]).flat());
    await Promise.all(closing.splice(0, 6).map((close) => close()));
  });

  test("without Redis each instance goes on by itself, and they agree again when it is back", async () => {
    await using redis = await startFragileRedis();
    const { all, changes } = instances(2, redis.url, { ...quick, openMs: 60_000 });
    const [one, other] = all as [Breakers, Breakers];
    for (let i = 0; i < 4; i++) await report(one, "failure");
    await until(() => other.seen()[0]!.failures === 4);
    await redis.kill();
    await report(one, "failure");
    await until(() => stateOf(one) === "open");
    assert.deepEqual([one.isShared(), changes()], [false, ["opened here"]]);
    assert.equal((await one.admit("openai")).kind, "refused");
    assert.equal((await other.admit("openai")).kind, "pass");
    await redis.start();
    await until(() => one.isShared() && other.isShared() && stateOf(one) === "closed");
    for (let i = 0; i < 5; i++) await report(other, "failure");
    await until(() => stateOf(one) === "open");
  });
});

const stateOf = (breakers: Breakers) => breakers.seen()[0]!.state;

/** Resolves when the report has arrived. */
async function report(breakers: Breakers, outcome: "ok" | "failure"): Promise<void> {
  const answer = await breakers.admit("openai");
  assert.equal(answer.kind, "pass");
  const before = JSON.stringify(breakers.seen());
  (answer as Pass).report(outcome);
  await until(() => JSON.stringify(breakers.seen()) !== before);
}

/** All ask again and again until a probe has passed, and then a while longer. */
async function race(all: readonly Breakers[]): Promise<{ probes: readonly Pass[]; passedAt: number }> {
  const answers: (Pass | Refusal)[] = [];
  const deadline = systemClock.monotonic() + 5_000;
  let passedAt = Number.NaN;
  for (let left = 10; left > 0 && systemClock.monotonic() < deadline; await pause(5)) {
    answers.push(...(await Promise.all([...all, ...all].map((breakers) => breakers.admit("openai")))));
    if (!answers.some(({ kind }) => kind === "pass")) continue;
    if (left === 10) passedAt = systemClock.monotonic();
    left -= 1;
  }
  return { probes: answers.filter((answer) => answer.kind === "pass"), passedAt };
}
