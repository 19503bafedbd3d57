import { seededChance } from "../lib/ids.ts";

/** A token is a word with the white space before it; a word longer than 12 characters is several. */
export function tokensOf(text: string): readonly string[] {
  return text.match(/\s*\S{1,12}|\s+$/gu) ?? [];
}

const WORDS = (
  "time year people way day man thing woman life child world school state family student group country problem " +
  "hand part place case week company system program question work number night point home water room mother area " +
  "money story fact month lot right study book eye job word business issue side kind head house service friend"
).split(" ");

/** `count` words, chosen by `about`. */
export function words(count: number, about: string): string {
  const chosen = seededChance(fnv(Buffer.from(about), 0)).bytes(count);
  return Array.from(chosen, (byte) => WORDS[byte % WORDS.length]).join(" ");
}

/** A direction in space, of length 1, chosen by `about`; in single precision. */
export function unitVector(dimensions: number, about: string): Float32Array {
  const bytes = Buffer.from(seededChance(fnv(Buffer.from(about), 2)).bytes(2 * dimensions));
  const drawn = Float64Array.from({ length: dimensions }, (_, at) => bytes.readInt16LE(2 * at) + 0.5);
  const length = Math.hypot(...drawn);
  return Float32Array.from(drawn, (part) => part / length);
}

/** 16 hexadecimal digits of a body. Not a secret, only repeatable. */
export function digest(body: Buffer): string {
  return [fnv(body, 0), fnv(body, 1)].map((half) => half.toString(16).padStart(8, "0")).join("");
}

/** FNV-1a. */
function fnv(bytes: Buffer, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
