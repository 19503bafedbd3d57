import { addressBucket } from "../lib/networks.ts";
import { hmacSha256 } from "../lib/secrets.ts";

const REMEMBERED = 10_000;

/** A stable one-way name for whatever shares an address's limits, so that no address stands in the counters' store. */
export function addressSubjects(key: Uint8Array): (address: string) => string {
  const known = new Map<string, string>();
  return (address) => {
    const found = known.get(address);
    if (found !== undefined) return found;
    if (known.size >= REMEMBERED) known.clear();
    const subject = oneWaySubject(key, addressBucket(address));
    known.set(address, subject);
    return subject;
  };
}

/** 16 characters of base64url that tell nothing about the text to whom lacks the key. */
export function oneWaySubject(key: Uint8Array, text: string): string {
  return hmacSha256(key, text).toString("base64url").slice(0, 16);
}
