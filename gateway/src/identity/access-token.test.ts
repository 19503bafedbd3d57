import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { CompactSign, SignJWT } from "jose";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { derivedKey } from "../lib/secrets.ts";
import { accessTokens, looksLikeJwt } from "./access-token.ts";

const key = derivedKey(new Uint8Array(32).fill(0x0f), "jwt-hs256");
const older = derivedKey(new Uint8Array(32).fill(0x0e), "jwt-hs256");
const standing = { userId: "usr_ada", sessionId: "018f0000-0000-7000-8000-000000000001" };
const seconds = (clock: VirtualClock) => clock.now() / 1_000;

function tokens(clock: VirtualClock, keys: readonly Uint8Array[] = [key], issuer = "https://tollgate.test") {
  return accessTokens({ keys, issuer, ttlSeconds: 900, clock, chance: seededChance(1) });
}

function issued(clock: VirtualClock, keys?: readonly Uint8Array[], issuer?: string) {
  return tokens(clock, keys, issuer).issue({ ...standing, role: "developer", epoch: 7 });
}

function part(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[index]!, "base64url").toString());
}

test("a token has the documented header and claims", async () => {
  const clock = new VirtualClock();
  const { token, expiresInSeconds } = await issued(clock);
  assert.equal(expiresInSeconds, 900);
  assert.deepEqual(part(token, 0), { alg: "HS256", typ: "at+jwt", kid: "187ebe14" });
  const { jti, ...claims } = part(token, 1);
  assert.match(String(jti), /^[\w-]{22}$/);
  assert.deepEqual(claims, {
    iss: "https://tollgate.test",
    aud: "tollgate-api",
    sub: "usr_ada",
    sid: standing.sessionId,
    role: "developer",
    ep: 7,
    iat: seconds(clock),
    exp: seconds(clock) + 900,
  });
  const [header, payload, signature] = token.split(".");
  assert.equal(createHmac("sha256", key).update(`${header}.${payload}`).digest("base64url"), signature);
});

test("a token says whose session it is until its end, and 30 seconds of clock difference later no more", async () => {
  const clock = new VirtualClock();
  const { verify } = tokens(clock);
  const { token } = await issued(clock);
  const claims = { ...standing, expiresAtMs: clock.now() + 900_000 };
  assert.deepEqual(await verify(token), claims);
  clock.advance(929_000);
  assert.deepEqual(await verify(token), claims);
  clock.advance(1_000);
  assert.equal(await verify(token), undefined);
});

test("after a change of the secret key older tokens go on, and new ones are signed by the new key", async () => {
  const clock = new VirtualClock();
  const before = await issued(clock, [older]);
  const after = await issued(clock, [key, older]);
  assert.equal(part(after.token, 0).kid, "187ebe14");
  assert.equal((await tokens(clock, [key, older]).verify(before.token))?.userId, "usr_ada");
  assert.equal(await tokens(clock, [key]).verify(before.token), undefined);
});

test("two tokens that share all but their ends are two sessions", async () => {
  const clock = new VirtualClock();
  const { issue, verify } = tokens(clock);
  const one = await issue({ ...standing, role: "developer", epoch: 1 });
  const other = await issue({ ...standing, userId: "usr_eve", role: "developer", epoch: 1 });
  assert.equal(part(one.token, 0).kid, part(other.token, 0).kid);
  const [header, payload] = one.token.split(".");
  const [, , signature] = other.token.split(".");
  assert.equal(await verify(`${header}.${payload}.${signature}`), undefined);
  assert.equal((await verify(one.token))?.userId, "usr_ada");
  assert.equal((await verify(other.token))?.userId, "usr_eve");
});

test("no single wrong character is accepted, and nothing throws", async () => {
  const clock = new VirtualClock();
  const { verify } = tokens(clock);
  const { token } = await issued(clock);
  const anywhere = fc.nat(token.length - 1);
  await fc.assert(
    fc.asyncProperty(anywhere, fc.string({ maxLength: 2, unit: "binary" }), async (position, wrong) => {
      const other = token.slice(0, position) + wrong + token.slice(position + 1);
      if (other !== token) assert.equal(await verify(other), undefined);
    }),
    { numRuns: 1_000 },
  );
  for (const last of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
    const other = token.slice(0, -1) + last;
    assert.equal((await verify(other)) !== undefined, other === token, last);
  }
});

const pair = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const publicPem = pair.publicKey.export({ type: "spki", format: "pem" });
const goodHeader = { alg: "HS256", typ: "at+jwt", kid: "187ebe14" };
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signed by hand, so that any header and any payload can be. */
function signedByHand(header: object, payload: unknown, secret: string | Uint8Array = key): string {
  const signed = `${encoded(header)}.${encoded(payload)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

type Claims = Readonly<Record<string, unknown>>;
const refused: Record<string, (good: Claims) => string | Promise<string>> = {
  "alg none": (good) => `${encoded({ ...goodHeader, alg: "none" })}.${encoded(good)}.`,
  "alg none with a signature": (good) => signedByHand({ ...goodHeader, alg: "none" }, good),
  "alg HS512": (good) =>
    new SignJWT(good).setProtectedHeader({ ...goodHeader, alg: "HS512" }).sign(Buffer.alloc(64, key)),
  "alg RS256": (good) =>
    new SignJWT(good).setProtectedHeader({ ...goodHeader, alg: "RS256" }).sign(pair.privateKey),
  "a public key as the secret": (good) => signedByHand(goodHeader, good, String(publicPem)),
  "no alg": (good) => signedByHand({ typ: "at+jwt", kid: "187ebe14" }, good),
  "another key": (good) => signedByHand(goodHeader, good, older),
  "an unknown kid": (good) => signedByHand({ ...goodHeader, kid: "00000000" }, good),
  "a kid of the prototype": (good) => signedByHand({ ...goodHeader, kid: "__proto__" }, good),
  "no kid": (good) => signedByHand({ alg: "HS256", typ: "at+jwt" }, good),
  "an ID token's typ": (good) => signedByHand({ ...goodHeader, typ: "JWT" }, good),
  "no typ": (good) => signedByHand({ alg: "HS256", kid: "187ebe14" }, good),
  "a crit that is understood": (good) =>
    new CompactSign(Buffer.from(JSON.stringify(good)))
      .setProtectedHeader({ ...goodHeader, crit: ["b64"], b64: true })
      .sign(key),
  "a crit that is not": (good) => signedByHand({ ...goodHeader, crit: ["exp"], exp: 1 }, good),
  "a jku header": (good) => signedByHand({ ...goodHeader, jku: "https://evil.test" }, good),
  "an x5u header": (good) => signedByHand({ ...goodHeader, x5u: "https://evil.test" }, good),
  "a jwk header": (good) => signedByHand({ ...goodHeader, jwk: { kty: "oct", k: "AAAA" } }, good),
  "an array as payload": (good) => signedByHand(goodHeader, [good]),
  "a text as payload": () => signedByHand(goodHeader, "usr_ada"),
  "no payload": () => signedByHand(goodHeader, null),
  "another issuer": (good) => signedByHand(goodHeader, { ...good, iss: "https://evil.test" }),
  "another audience": (good) => signedByHand(goodHeader, { ...good, aud: "tollgate-dashboard" }),
  "a number as sub": (good) => signedByHand(goodHeader, { ...good, sub: 1 }),
  "an object as sid": (good) => signedByHand(goodHeader, { ...good, sid: { toString: "x" } }),
  "null as sid": (good) => signedByHand(goodHeader, { ...good, sid: null }),
  "a text as exp": (good) => signedByHand(goodHeader, { ...good, exp: "9999999999" }),
  "a start in the future": (good) => signedByHand(goodHeader, { ...good, nbf: Number(good.iat) + 60 }),
};
for (const claim of ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]) {
  refused[`no ${claim}`] = ({ [claim]: _, ...rest }) => signedByHand(goodHeader, rest);
}

for (const [what, forged] of Object.entries(refused)) {
  test(`a token with ${what} is refused`, async () => {
    const clock = new VirtualClock();
    const good = part((await issued(clock)).token, 1);
    const { verify } = tokens(clock);
    assert.notEqual(await verify(signedByHand(goodHeader, good)), undefined);
    assert.equal(await verify(await forged(good)), undefined);
  });
}

test("three parts in base64url look like a JWT, and nothing else", async () => {
  assert.equal(looksLikeJwt((await issued(new VirtualClock())).token), true);
  for (const other of ["", "a.b", "a.b.", "a..c", "a.b.c.d", "a.b.c=", "a b.c.d", "a.b.c\n", "sk-tg1_a"]) {
    assert.equal(looksLikeJwt(other), false, other);
  }
});
