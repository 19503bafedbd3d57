import { createHmac, sign as createSignature, generateKeyPairSync, type KeyObject } from "node:crypto";

/** JWTs as an attacker, or another issuer, would make them. */
export type Fields = Readonly<Record<string, unknown>>;

export function hs256(header: Fields, claims: Fields, key: string | Uint8Array): string {
  const text = unsigned(header, claims);
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

export function rs256(header: Fields, claims: Fields, key: KeyObject): string {
  const text = unsigned(header, claims);
  return `${text}.${createSignature("sha256", Buffer.from(text), key).toString("base64url")}`;
}

/** Header and claims, which anybody can read. */
export function readJwt(token: string): { readonly header: Fields; readonly claims: Fields } {
  const [header, claims] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
  return { header: JSON.parse(header!) as Fields, claims: JSON.parse(claims!) as Fields };
}

/** The same signature under other claims. */
export function edited(token: string, changes: Fields): string {
  const { header, claims } = readJwt(token);
  return `${unsigned(header, { ...claims, ...changes })}.${token.split(".")[2]}`;
}

/** An issuer of ID tokens, with its public key as a JWKS and as text. */
export function newIssuer(clientId: string) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const header = { alg: "RS256", typ: "JWT", kid: "issuer-key" };
  const now = Math.floor(Date.now() / 1_000);
  const claims: Fields = {
    ...{ iss: "https://accounts.google.com", aud: clientId, sub: "109876543210", iat: now, exp: now + 600 },
    ...{ email: "googler@gmail.com", email_verified: true, name: "Googler" },
  };
  return {
    header,
    claims,
    jwks: JSON.stringify({
      keys: [{ ...publicKey.export({ format: "jwk" }), kid: header.kid, alg: "RS256" }],
    }),
    publicKeyText: publicKey.export({ type: "spki", format: "pem" }).toString(),
    privateKey,
    idToken: rs256(header, claims, privateKey),
  };
}

function unsigned(header: Fields, claims: Fields): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
}
