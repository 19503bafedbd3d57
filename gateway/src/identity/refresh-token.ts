import type { Chance } from "../lib/ids.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import { formatKey, newKey, parseKey, uniformPrefix } from "./key.ts";

export type RefreshTokens = {
  /** The first token of a session. */
  mint(): string;
  /** What is stored of a token: one digest per digest key, newest first. Undefined: not a refresh token. */
  digests(token: string): readonly Buffer[] | undefined;
  /**
   * The one token that follows this one. It is derived, so that two tabs, or a repeat after a lost answer, get the
   * same successor, and no token need be stored to give it again.
   */
  successorOf(token: string): string;
  /** The successor that was given before and is stored as `digest`, also if the keys have changed since. */
  storedSuccessorOf(token: string, digest: Uint8Array): string | undefined;
};

/** @param options.nextKeys The first makes successors, all find those that were given. */
export function refreshTokens(options: {
  readonly digestKeys: readonly Uint8Array[];
  readonly nextKeys: readonly Uint8Array[];
  readonly chance: Chance;
}): RefreshTokens {
  const { digestKeys, nextKeys, chance } = options;
  return {
    mint: () => newKey("rt", chance),
    digests(token) {
      if (parseKey(token)?.tag !== "rt") return undefined;
      return digestKeys.map((key) => hmacSha256(key, token));
    },
    successorOf: (token) => derived(nextKeys[0]!, token),
    storedSuccessorOf(token, digest) {
      const successors = nextKeys.map((key) => derived(key, token));
      return successors.find((each) => digestKeys.some((key) => sameSecret(hmacSha256(key, each), digest)));
    },
  };
}

function derived(nextKey: Uint8Array, token: string): string {
  let round = 0;
  const prefix = uniformPrefix(() => hmacSha256(nextKey, `id${round++}\0${token}`));
  return formatKey("rt", prefix, hmacSha256(nextKey, `next\0${token}`));
}
