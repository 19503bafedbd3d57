import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** One HKDF info string per purpose: a key made for one thing is never accepted for another. */
export type Purpose =
  | "apikey-pepper"
  | "static-token"
  | "ratelimit-subject"
  | "jwt-hs256"
  | "refresh-digest"
  | "refresh-next"
  | "audit-mac"
  | "cursor"
  | "webhook-signing"
  | "provider-credentials";

/** HKDF-SHA256(SECRET_KEY, salt "tollgate", info "tollgate/<purpose>/v1"), 32 bytes. */
export function derivedKey(secretKey: Uint8Array, purpose: Purpose): Buffer {
  return Buffer.from(hkdfSync("sha256", secretKey, "tollgate", `tollgate/${purpose}/v1`, 32));
}

export function hmacSha256(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** Compares in time that depends on the lengths only. */
export function sameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Recognises one secret by its digest; none at all without one. */
export function secretMatcher(secret: string | undefined, key: Uint8Array): (presented: string) => boolean {
  if (secret === undefined) return () => false;
  const digest = hmacSha256(key, secret);
  return (presented) => sameSecret(hmacSha256(key, presented), digest);
}
