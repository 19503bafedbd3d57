import type { Clock } from "../lib/clock.ts";
import { type RedisDoor, type RedisScript, RedisUnavailable } from "../store/redis.ts";
import { type Breaker, type BreakerRules, type Change, unharmed } from "./breaker.ts";
import { type BreakerStore, BreakersUnavailable, type Step } from "./breaker-store.ts";
import { admitLua, readLua, renewLua, reportLua, resetLua } from "./breakers.lua.ts";

/** A caller waits for this. */
const DECISION_TIMEOUT_MS = 100;
/** Nobody's answer waits for these. */
const UNHURRIED_TIMEOUT_MS = 200;

/**
 * Breakers shared by every instance of a deployment, one EVALSHA per step, at the time of the Redis server. Given a
 * `clock`, steps happen at its time instead: for replays and comparisons.
 */
export function redisBreakers(deps: {
  readonly redis: RedisDoor;
  readonly rules: BreakerRules;
  /** Names of this deployment's keys and channels; all keys in one slot. */
  readonly keyOf: (name: string) => string;
  readonly clock?: Clock;
}): BreakerStore {
  const { redis, keyOf, clock } = deps;
  const { threshold, openMs, probeLeaseMs } = deps.rules;
  const hashOf = (provider: string): string => keyOf(`cb:${provider}`);
  const channel = keyOf("cb");
  const now = (): number | "" => clock?.now() ?? "";
  const step =
    (script: RedisScript, timeoutMs: number) =>
    async (provider: string, ...args: readonly string[]): Promise<Step> => {
      const rest = [channel, provider, threshold, openMs, probeLeaseMs, ...args];
      const reply = await reached(script([hashOf(provider)], [now(), ...rest], timeoutMs));
      const [at, change, ...hash] = reply as readonly string[];
      const seen = { now: Number(at), breaker: breakerFrom(hash) };
      return change === "" ? seen : { ...seen, change: change as Change };
    };
  const readScript = redis.define(readLua);
  const admit = step(redis.define(admitLua), DECISION_TIMEOUT_MS);
  const report = step(redis.define(reportLua), UNHURRIED_TIMEOUT_MS);

  return {
    async read(providers) {
      const reply = await reached(readScript(providers.map(hashOf), [now()], DECISION_TIMEOUT_MS));
      const [at, ...hashes] = reply as readonly string[];
      return new Map(
        providers.map((provider, i) => {
          const hash = hashes.slice(i * FIELDS, (i + 1) * FIELDS);
          return [provider, { now: Number(at), breaker: breakerFrom(hash) }];
        }),
      );
    },
    admit,
    report: (provider, outcome, token = "") => report(provider, outcome, token),
    renew: step(redis.define(renewLua), UNHURRIED_TIMEOUT_MS),
    reset: step(redis.define(resetLua), UNHURRIED_TIMEOUT_MS),
    follow: ({ seen, listening }) =>
      redis.subscribe(channel, {
        message(text) {
          const [provider, at, ...hash] = JSON.parse(text) as readonly string[];
          seen(provider!, { now: Number(at), breaker: breakerFrom(hash) });
        },
        listening,
      }),
  };
}

const FIELDS = 6;

/** The fields as the scripts write them, absent ones empty. */
function breakerFrom([failures, failedAt, openedAt, until, token, probeUntil]: readonly string[]): Breaker {
  if (failures === "") return unharmed;
  if (until === "") return { state: "closed", failures: Number(failures), failedAt: Number(failedAt) };
  return {
    state: "open",
    failures: Number(failures),
    openedAt: Number(openedAt),
    until: Number(until),
    probe: token === "" ? undefined : { token: token!, until: Number(probeUntil) },
  };
}

async function reached<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof RedisUnavailable)) throw cause;
    throw new BreakersUnavailable("The breakers did not answer", { cause });
  }
}
