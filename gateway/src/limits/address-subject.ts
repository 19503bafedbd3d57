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
    const subject = hmacSha256(key, addressBucket(address)).toString("base64url").slice(0, 16);
    known.set(address, subject);
    return subject;
  };
}
