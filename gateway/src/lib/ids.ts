import { randomFillSync } from "node:crypto";

/** The one door to chance. `bytes` must be unpredictable in production: keys and tokens are made of it. */
export type Chance = {
  bytes(length: number): Uint8Array;
};

const POOL_BYTES = 4096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

export const systemChance: Chance = {
  bytes(length) {
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (used + length > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const taken = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return taken;
  },
};

/** Repeatable chance for tests and replays (mulberry32). Never for secrets. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 24;
  };
  return { bytes: (length) => Uint8Array.from({ length }, next) };
}

/** A number in [0, 1) with 48 bits of chance. */
export function fraction(chance: Chance): number {
  return Buffer.from(chance.bytes(6)).readUIntBE(0, 6) / 2 ** 48;
}

/** UUIDv7 (RFC 9562): 48 bits of `now` in milliseconds, then 74 random bits. */
export function uuidv7(now: number, chance: Chance): string {
  const bytes = Buffer.from(chance.bytes(16));
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The time inside a UUIDv7, milliseconds since the epoch. A call's day is always derived from its id. */
export function timeOfUuidv7(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

const CROCKFORD = Buffer.from("0123456789ABCDEFGHJKMNPQRSTVWXYZ");

/** `req_` and 26 characters of chance: a correlation id for a request that brought none. */
export function newCorrelationId(chance: Chance): string {
  const letters = Buffer.from(chance.bytes(26));
  for (let index = 0; index < letters.length; index++) letters[index] = CROCKFORD[letters[index]! & 31]!;
  return `req_${letters.toString("latin1")}`;
}

const CORRELATION_ID = /^[A-Za-z0-9._-]{8,128}$/;

export function isCorrelationId(value: unknown): value is string {
  return typeof value === "string" && CORRELATION_ID.test(value);
}
