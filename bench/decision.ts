import { Redis } from "ioredis";
import { systemClock } from "../gateway/src/lib/clock.ts";
import { keyOf, redisCounters } from "../gateway/src/limits/counters.redis.ts";
import type { Dimension } from "../gateway/src/limits/limit.ts";
import { dimensionText } from "../gateway/src/limits/wire.ts";
import { openRedis } from "../gateway/src/store/redis.ts";
import { spreadOf } from "./statistics.ts";
import { type Timing, timeOf } from "./stopwatch.ts";
import { spreadText } from "./table.ts";

const ROUNDS = 5;
const DEPLOYMENT = "bench";

/**
 * What one decision costs beside the least that could stand in its place on the same Redis: a script that does nothing
 * with as many bytes of keys and arguments, over the same connection, and as many INCRs in one pipeline. They take
 * turns, so that a slow moment hits all of them; a ratio is that of one round. Rows of a table, the decision first.
 */
export async function decisionPrices(
  url: string,
  dimensions: readonly Dimension[],
): Promise<readonly (readonly string[])[]> {
  await using stack = new AsyncDisposableStack();
  const redis = openRedis({ url, clock: systemClock });
  stack.defer(() => redis.close());
  const plain = new Redis(url);
  stack.defer(() => plain.disconnect());
  const counters = redisCounters({ redis, deployment: DEPLOYMENT });
  for (const dimension of dimensions) if (dimension.shape === "dailyQuota") await counters.seed(dimension, 0);

  const keys = dimensions.map(({ key }) => keyOf(DEPLOYMENT, key));
  const args = ["", 1, ...dimensions.map(dimensionText)];
  const empty = redis.define("return 1");
  const contenders = {
    [`${dimensions.length} limits, decided`]: () => counters.take(dimensions, true),
    "an empty EVALSHA with the same keys and arguments": () => empty(keys, args, 1_000),
    [`${dimensions.length} INCRs, pipelined`]: () =>
      keys.reduce((pipeline, key) => pipeline.incr(`${key}:incr`), plain.pipeline()).exec(),
  };
  const rounds: Timing[][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const timings: Timing[] = [];
    for (const run of Object.values(contenders)) timings.push(await timeOf(run));
    rounds.push(timings);
  }
  return Object.keys(contenders).map((name, i) => [
    name,
    spreadText(spreadOf(rounds.map((timings) => timings[i]!.wallUs.median))),
    spreadText(spreadOf(rounds.map((timings) => timings[i]!.cpuUs.median))),
    spreadText(spreadOf(rounds.map((timings) => timings[0]!.wallUs.median / timings[i]!.wallUs.median))),
    spreadText(spreadOf(rounds.map((timings) => timings[0]!.cpuUs.median / timings[i]!.cpuUs.median))),
  ]);
}
