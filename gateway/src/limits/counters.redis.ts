import type { Clock } from "../lib/clock.ts";
import { type RedisDoor, RedisUnavailable } from "../store/redis.ts";
import { holdsLua, resetLua, strikeLua } from "./holds.lua.ts";
import { leaseOf } from "./leases.ts";
import { type Counters, CountersUnavailable } from "./limit.ts";
import { renewLua, settleLua } from "./settle.lua.ts";
import { correctionsOf } from "./settle.ts";
import { raiseEpochLua, seedLua, takeLua } from "./take.lua.ts";
import { correctionText, dimensionText, judgementFrom } from "./wire.ts";

/**
 * Counters shared by every instance of a deployment, one EVALSHA per decision, at the time of the Redis server.
 * Given a `clock`, decisions happen at its time instead: for replays and comparisons.
 */
export function redisCounters(deps: {
  readonly redis: RedisDoor;
  /** Keeps the counters of databases apart that share a Redis. */
  readonly deployment: string;
  readonly clock?: Clock;
}): Counters {
  const { redis, deployment, clock } = deps;
  const redisKey = (key: string): string => keyOf(deployment, key);
  const takeScript = redis.define(takeLua);
  const settleScript = redis.define(settleLua);
  const renewScript = redis.define(renewLua);
  const seedScript = redis.define(seedLua);
  const raiseScript = redis.define(raiseEpochLua);
  const strikeScript = redis.define(strikeLua);
  const resetScript = redis.define(resetLua);
  const holdsScript = redis.define(holdsLua);
  const now = (): number | "" => clock?.now() ?? "";

  const settle: Counters["settle"] = async (dimensions, taken, costs) => {
    const corrections = correctionsOf(dimensions, taken, costs);
    if (corrections.length === 0) return;
    const keys = corrections.map(({ dimension }) => redisKey(dimension.key));
    const args = corrections.map((correction) => correctionText(correction, taken));
    await reached(settleScript(keys, [now(), ...args], DECISION_TIMEOUT_MS));
  };

  return {
    kind: "redis",
    async take(dimensions, commit) {
      const keys = dimensions.map(({ key }) => redisKey(key));
      const args = [now(), commit ? 1 : 0, ...dimensions.map(dimensionText)];
      const reply = (await reached(takeScript(keys, args, DECISION_TIMEOUT_MS))) as readonly string[];
      const [allowed, decidedAt] = reply[0]!.split(" ");
      return {
        allowed: allowed === "1",
        now: Number(decidedAt),
        judgements: reply.slice(1).map(judgementFrom),
      };
    },
    settle,
    giveBack: (dimensions, taken) =>
      settle(
        dimensions,
        taken,
        dimensions.map(() => 0),
      ),
    async renew(lease) {
      const args = [now(), leaseOf(lease), lease.windowMs];
      return (await reached(renewScript([redisKey(lease.key)], args, UNHURRIED_TIMEOUT_MS))) === 1;
    },
    async seed({ key, windowMs }, used) {
      await reached(seedScript([redisKey(key)], [now(), windowMs, used], DECISION_TIMEOUT_MS));
    },
    async raiseEpoch(key, epoch) {
      await reached(raiseScript([redisKey(key)], [epoch], UNHURRIED_TIMEOUT_MS));
    },
    async strike({ windowKey, holdKey, threshold, windowMs, baseMs, capMs }) {
      const keys = [windowKey, holdKey, HOLDS_KEY].map(redisKey);
      const args = [now(), threshold, windowMs, baseMs, capMs, holdKey];
      const reply = (await reached(strikeScript(keys, args, DECISION_TIMEOUT_MS))) as string;
      const [until, started] = reply.split(" ");
      return { until: Number(until), started: started === "1" };
    },
    async reset(keys) {
      await reached(resetScript([HOLDS_KEY, ...keys].map(redisKey), keys, UNHURRIED_TIMEOUT_MS));
    },
    async holds() {
      const answer = reached(holdsScript([redisKey(HOLDS_KEY)], [now()], UNHURRIED_TIMEOUT_MS));
      const flat = (await answer) as readonly string[];
      return Array.from({ length: flat.length / 2 }, (_, i) => ({
        key: flat[2 * i]!,
        until: Number(flat[2 * i + 1]),
      }));
    },
    healthy: () =>
      redis.ping().then(
        () => true,
        () => false,
      ),
    close: async () => {},
  };
}

/**
 * One hash tag: every key is in one slot, so one script may touch them all on a Redis Cluster. The first characters
 * of a deployment's id tell it apart well enough, and every byte of a key is paid for with every decision.
 */
export function keyOf(deployment: string, key: string): string {
  return `tg:{tg}:${deployment.slice(0, 8)}:${key}`;
}

/** A caller waits for these, and has its answer within 150 ms whatever becomes of Redis. */
const DECISION_TIMEOUT_MS = 100;
/** Nobody's answer waits for these. */
const UNHURRIED_TIMEOUT_MS = 200;

/** Where the active holds are listed: to look at all keys would take too long. */
const HOLDS_KEY = "holds";

async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof RedisUnavailable)) throw cause;
    throw new CountersUnavailable("The counters did not answer", { cause });
  }
}
