import type { Clock } from "../lib/clock.ts";
import { type RedisDoor, RedisUnavailable } from "../store/redis.ts";
import { giveBackLua } from "./give-back.lua.ts";
import { windowStartOf } from "./give-back.ts";
import { type Counters, CountersUnavailable, type Dimension, type Judgement, type Verdict } from "./limit.ts";
import { capacityOf } from "./shapes.ts";
import { raiseEpochLua, seedLua, takeLua } from "./take.lua.ts";

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
  const giveBackScript = redis.define(giveBackLua);
  const seedScript = redis.define(seedLua);
  const raiseScript = redis.define(raiseEpochLua);
  const now = (): number | "" => clock?.now() ?? "";

  return {
    kind: "redis",
    async take(dimensions, commit) {
      const keys = dimensions.map(({ key }) => redisKey(key));
      const args: (string | number)[] = [now(), commit ? 1 : 0];
      for (const { shape, limit, windowMs, cost, capacity } of dimensions) {
        args.push(`${letters[shape]} ${limit} ${windowMs} ${cost} ${capacity}`);
      }
      const reply = (await reached(takeScript(keys, args, DECISION_TIMEOUT_MS))) as readonly string[];
      const [allowed, decidedAt] = reply[0]!.split(" ");
      return {
        allowed: allowed === "1",
        now: Number(decidedAt),
        judgements: reply.slice(1).map(judgementOf),
      };
    },
    async giveBack(dimensions, taken) {
      if (!taken.allowed) return;
      const keys = dimensions.map(({ key }) => redisKey(key));
      const args = dimensions.map((dimension, i) => {
        const start = windowStartOf(dimension, taken, i);
        return `${letters[dimension.shape]} ${start} ${dimension.cost} ${capacityOf(dimension)}`;
      });
      await reached(giveBackScript(keys, args, DECISION_TIMEOUT_MS));
    },
    async seed({ key, windowMs }, used) {
      await reached(seedScript([redisKey(key)], [now(), windowMs, used], DECISION_TIMEOUT_MS));
    },
    async raiseEpoch(key, epoch) {
      await reached(raiseScript([redisKey(key)], [epoch], RAISE_TIMEOUT_MS));
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
const RAISE_TIMEOUT_MS = 200;

const letters = { window: "w", dailyQuota: "q", bucket: "b", epoch: "e" } as const satisfies Record<
  Dimension["shape"],
  string
>;

const verdicts: readonly Verdict[] = ["exceeded", "fits", "stale", "unseeded"];

function judgementOf(text: string): Judgement {
  const [verdict, remaining, resetMs, retryMs] = text.split(" ").map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return { verdict: verdicts[verdict]!, remaining, resetMs, retryMs };
}

async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof RedisUnavailable)) throw cause;
    throw new CountersUnavailable("The counters did not answer", { cause });
  }
}
