import { randomUUID } from "node:crypto";
import { VirtualClock } from "../lib/clock.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import type { RedisDoor } from "../store/redis.ts";
import type { BreakerRules, Outcome } from "./breaker.ts";
import type { BreakerStore } from "./breaker-store.ts";
import { memoryBreakers } from "./breakers.memory.ts";
import { redisBreakers } from "./breakers.redis.ts";

export const NOON = Date.UTC(2026, 0, 1, 12);
export const rules: BreakerRules = { threshold: 5, openMs: 60_000, probeLeaseMs: 30_000 };

/** A store of breakers under a clock that a test moves. */
export type Subject = { readonly store: BreakerStore; readonly clock: VirtualClock };

export function inMemory(): Subject {
  const clock = new VirtualClock(NOON);
  return { store: memoryBreakers({ rules, now: clock.now }), clock };
}

/** Empty: its keys are nobody else's. */
export function inRedis(redis: RedisDoor): Subject {
  const clock = new VirtualClock(NOON);
  return { store: redisBreakers({ redis, rules, keyOf: keysOf(randomUUID()), clock }), clock };
}

export function keysOf(deployment: string): (name: string) => string {
  return (name) => `tg:{tg}:${deployment}:${name}`;
}

/** Waits as long as a busy test machine needs: a step that timed out may have been made. */
export function patient(door: RedisDoor): RedisDoor {
  return {
    ...door,
    define(lua) {
      const run = door.define(lua);
      return (keys, args) => run(keys, args, 10_000);
    },
  };
}

export type Move =
  | { readonly kind: "advance" | "step"; readonly ms: number }
  | { readonly kind: "admit" | "renew"; readonly provider: string; readonly token: string }
  | { readonly kind: "reset"; readonly provider: string }
  | {
      readonly kind: "report";
      readonly provider: string;
      readonly outcome: Outcome;
      readonly token: string | undefined;
    };

export const providers = ["openai", "anthropic"];

export async function play({ store, clock }: Subject, move: Move): Promise<unknown> {
  switch (move.kind) {
    case "advance":
      return clock.advance(move.ms);
    case "step":
      return clock.step(move.ms);
    case "admit":
      return store.admit(move.provider, move.token);
    case "renew":
      return store.renew(move.provider, move.token);
    case "report":
      return store.report(move.provider, move.outcome, move.token);
    case "reset":
      return store.reset(move.provider);
  }
}

/** Few tokens, so that a probe is often met by its own; failures enough to open it again and again. */
export function* randomMoves(seed: number, moves: number): Generator<Move> {
  const chance = seededChance(seed);
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(fraction(chance) * values.length)]!;
  const token = () => oneOf(["a", "b", "c"]);
  const outcome = () => oneOf<Outcome>(["ok", "failure", "failure", "failure", "alive", "neutral"]);
  for (let made = 0; made < moves; made++) {
    const provider = oneOf(providers);
    const dice = fraction(chance);
    if (dice < 0.2) yield { kind: "advance", ms: oneOf([1, 500, 29_999, 30_000, 30_001, 60_000, 3_600_000]) };
    else if (dice < 0.23) yield { kind: "step", ms: oneOf([-1, -1_000, -60_001, 1, 60_000]) };
    else if (dice < 0.25) yield { kind: "reset", provider };
    else if (dice < 0.32) yield { kind: "renew", provider, token: token() };
    else if (dice < 0.55) yield { kind: "admit", provider, token: token() };
    else
      yield { kind: "report", provider, outcome: outcome(), token: oneOf([undefined, undefined, token()]) };
  }
}
