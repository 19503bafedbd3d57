import { crc32 } from "node:zlib";
import type { Chance } from "../lib/ids.ts";

/**
 * The form of every secret Tollgate hands out, 69 characters: tag, public id, secret, checksum. `sk` is an
 * API key, `it` a one-time token, `rt` a refresh token.
 * `sk-tg1_` + 12 base62 + `_` + 43 base62 (32 random bytes) + 6 base62 (CRC-32 of all before it).
 */
export type KeyTag = "sk" | "it" | "rt";
export type ParsedKey = { readonly tag: KeyTag; readonly prefix: string };

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const FORM = /^(sk|it|rt)-tg1_([0-9A-Za-z]{12})_[0-9A-Za-z]{49}$/;
const KEY_LENGTH = 69;
const BODY_LENGTH = 63;

/** Pure, and before any look-up: anything that is not one of our keys is `undefined`. */
export function parseKey(token: string): ParsedKey | undefined {
  if (token.length !== KEY_LENGTH) return undefined;
  const match = FORM.exec(token);
  if (match === null) return undefined;
  if (token.slice(BODY_LENGTH) !== checksum(token.slice(0, BODY_LENGTH))) return undefined;
  return { tag: match[1] as KeyTag, prefix: match[2]! };
}

export function newKey(tag: KeyTag, chance: Chance): string {
  return formatKey(
    tag,
    uniformPrefix(() => chance.bytes(16)),
    chance.bytes(32),
  );
}

/** @param secret 32 bytes. */
export function formatKey(tag: KeyTag, prefix: string, secret: Uint8Array): string {
  const body = `${tag}-tg1_${prefix}_${base62(BigInt(`0x${Buffer.from(secret).toString("hex")}`), 43)}`;
  return body + checksum(body);
}

/**
 * Twelve uniform base62 characters from as many random bytes as it takes; those from 248 on are skipped, for they
 * would favour the first characters.
 */
export function uniformPrefix(moreBytes: () => Uint8Array): string {
  let prefix = "";
  while (prefix.length < 12) {
    for (const byte of moreBytes()) {
      if (byte < 248 && prefix.length < 12) prefix += ALPHABET[byte % 62];
    }
  }
  return prefix;
}

/** What may be shown of a key for ever. */
export function maskedKey(prefix: string): string {
  return `sk-tg1_${prefix}_****`;
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), 6);
}

function base62(value: bigint, length: number): string {
  let digits = "";
  for (let rest = value; rest > 0n; rest /= 62n) digits = ALPHABET[Number(rest % 62n)] + digits;
  return digits.padStart(length, "0");
}
