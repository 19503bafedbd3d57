import { randomUUID } from "node:crypto";
import { VirtualClock } from "../lib/clock.ts";
import type { RedisDoor } from "../store/redis.ts";
import { NOON, type Subject } from "./counters.contract.ts";
import { memoryCounters } from "./counters.memory.ts";
import { keyOf, redisCounters } from "./counters.redis.ts";
import type { Lease } from "./leases.ts";
import type { State } from "./shapes.ts";
import type { Entry } from "./states.memory.ts";

/** Waits as long as a busy test machine needs: a decision that timed out may have been taken. */
export function patient(door: RedisDoor): RedisDoor {
  return {
    ...door,
    define(lua) {
      const run = door.define(lua);
      return (keys, args) => run(keys, args, 10_000);
    },
  };
}

export function inMemory(): Subject & { readonly entries: Map<string, Entry> } {
  const clock = new VirtualClock(NOON);
  const entries = new Map<string, Entry>();
  return {
    counters: memoryCounters({ clock, entries }),
    clock,
    entries,
    stateOf: async (key) => sorted(entries.get(key)?.state),
    snapshot: async (keys) => JSON.stringify(keys.map((key) => entries.get(key))),
  };
}

/** Empty counters: their deployment is nobody else's. */
export function inRedis(redis: RedisDoor): Subject {
  const clock = new VirtualClock(NOON);
  const deployment = randomUUID();
  return {
    counters: redisCounters({ redis, deployment, clock }),
    clock,
    stateOf: async (key) => stateFrom(await dump(redis, keyOf(deployment, key))),
    snapshot: async (keys) =>
      JSON.stringify(await Promise.all(keys.map((key) => dump(redis, keyOf(deployment, key))))),
  };
}

/** Type, fields and the time of expiry (ms since the epoch, -1: never), exactly as stored. */
export type Dump = readonly [type: string, fields: readonly string[], expiresAt: number];

export async function dump(redis: RedisDoor, redisKey: string): Promise<Dump> {
  return (await redis.define(dumpLua)([redisKey], [], 10_000)) as Dump;
}

const dumpLua = `
local kind = redis.call('TYPE', KEYS[1]).ok
local fields = {}
if kind == 'hash' then fields = redis.call('HGETALL', KEYS[1]) end
if kind == 'zset' then fields = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES') end
if kind == 'string' then fields = { redis.call('GET', KEYS[1]) } end
return { kind, fields, redis.call('PEXPIRETIME', KEYS[1]) }`;

function stateFrom([type, fields]: Dump): State | undefined {
  if (type === "none") return undefined;
  if (type === "string") return { since: 0, amount: Number(fields[0]) };
  const pairs = Array.from({ length: fields.length / 2 }, (_, i) => fields.slice(2 * i, 2 * i + 2));
  const numbers = pairs.map(([name, text]) => [name!, Number(text)] as const);
  if (type === "zset") {
    const leases = numbers.map(([id, expiresAt]) => ({ id, expiresAt }));
    return sorted({ since: 0, amount: leases.length, leases });
  }
  const { s, c, p, t, u, l } = Object.fromEntries(numbers);
  const state = { since: (s ?? u)!, amount: (c ?? t ?? l)! };
  return p === undefined ? state : { ...state, previous: p };
}

function sorted(state: State | undefined): State | undefined {
  if (state?.leases === undefined) return state;
  const inOrder = (a: Lease, b: Lease): number => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1);
  return { ...state, leases: state.leases.toSorted(inOrder) };
}
