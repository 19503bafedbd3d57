import type { RedisDoor } from "../store/redis.ts";

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
