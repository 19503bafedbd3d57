import type { Chance } from "../lib/ids.ts";
import { hmacSha256 } from "../lib/secrets.ts";
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
};

/** @param options.nextKey Must stay the same only for as long as a token may be presented again. */
export function refreshTokens(options: {
  readonly digestKeys: readonly Uint8Array[];
  readonly nextKey: Uint8Array;
  readonly chance: Chance;
}): RefreshTokens {
  const { digestKeys, nextKey, chance } = options;
  return {
    mint: () => newKey("rt", chance),
    digests(token) {
      if (parseKey(token)?.tag !== "rt") return undefined;
      return digestKeys.map((key) => hmacSha256(key, token));
    },
    successorOf(token) {
      let round = 0;
      const prefix = uniformPrefix(() => hmacSha256(nextKey, `id${round++}\0${token}`));
      return formatKey("rt", prefix, hmacSha256(nextKey, `next\0${token}`));
    },
  };
}
