import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { createLocalJWKSet, type JWK, SignJWT } from "jose";
import { VirtualClock } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { idTokens } from "./id-token.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = (key: KeyObject, fields: JWK): JWK => ({ ...(key.export({ format: "jwk" }) as JWK), ...fields });
const keys = createLocalJWKSet({
  keys: [jwk(rsa.publicKey, { kid: "r", use: "sig", alg: "RS256" }), jwk(ec.publicKey, { kid: "e" })],
});

const clock = new VirtualClock();
const now = clock.now() / 1_000;
const good = {
  iss: "https://accounts.google.com",
  aud: "app.test",
  sub: "1234567890",
  email: "ada@gmail.com",
  email_verified: true,
  name: "Ada Lovelace",
  iat: now,
  exp: now + 3_600,
};
type Claims = Readonly<Record<string, unknown>>;

const usual = {
  clientIds: ["app.test", "phone.test"],
  issuerKeys: async () => keys,
  clock,
  trustsEmail: false,
};
const { verify } = idTokens(usual);

function signed(claims: Claims = good, header: object = {}, key: KeyObject = rsa.privateKey) {
  return new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "r", ...header }).sign(key);
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function without(claim: keyof typeof good): Claims {
  const { [claim]: _, ...rest } = good;
  return rest;
}

test("a good ID token says who signed in", async () => {
  assert.deepEqual(await verify(await signed()), {
    issuer: "https://accounts.google.com",
    subject: "1234567890",
    email: "ada@gmail.com",
    name: "Ada Lovelace",
    isAuthoritative: true,
  });
  const byCurve = await signed(good, { alg: "ES256", kid: "e" }, ec.privateKey);
  assert.equal((await verify(byCurve))?.subject, "1234567890");
});

test("both of Google's spellings are one issuer", async () => {
  const identified = await verify(await signed({ ...good, iss: "accounts.google.com" }));
  assert.equal(identified?.issuer, "https://accounts.google.com");
  assert.equal(identified?.isAuthoritative, true);
});

test("a person without a name is called by the address", async () => {
  assert.equal((await verify(await signed(without("name"))))?.name, "ada@gmail.com");
  assert.equal((await verify(await signed({ ...good, name: 7 })))?.name, "ada@gmail.com");
});

const accepted: Readonly<Record<string, Claims>> = {
  "one audience in an array": { ...good, aud: ["app.test"] },
  "several audiences, and we its party": { ...good, aud: ["other.test", "app.test"], azp: "phone.test" },
  "one audience, and another app of its maker as party": { ...good, azp: "android.test" },
  "an end 29 seconds ago": { ...good, exp: now - 29 },
  "an issue 30 seconds ahead": { ...good, iat: now + 30 },
  "a start 30 seconds ahead": { ...good, nbf: now + 30 },
};
for (const [what, claims] of Object.entries(accepted)) {
  test(`an ID token with ${what} is good`, async () => {
    assert.notEqual(await verify(await signed(claims)), undefined);
  });
}

const publicPem = String(rsa.publicKey.export({ type: "spki", format: "pem" }));
function signedWithPublicKey(): string {
  const text = `${encoded({ alg: "HS256", kid: "r" })}.${encoded(good)}`;
  return `${text}.${createHmac("sha256", publicPem).update(text).digest("base64url")}`;
}

const refused: Readonly<Record<string, () => string | Promise<string>>> = {
  "alg none": () => `${encoded({ alg: "none", kid: "r" })}.${encoded(good)}.`,
  "the public key as a secret": signedWithPublicKey,
  "alg RS512": () => signed(good, { alg: "RS512" }),
  "alg PS256": () => signed(good, { alg: "PS256" }),
  "another's signature": () => signed(good, {}, other.privateKey),
  "another kind of key under its kid": () => signed(good, { kid: "e" }),
  "an unknown kid": () => signed(good, { kid: "x" }),
  "no kid": () => signed(good, { kid: undefined }),
  "a number as kid": () => signed(good, { kid: 1 }),
  "a key of its own": () => signed(good, { jwk: jwk(other.publicKey, {}) }, other.privateKey),
  "a changed claim": async () => {
    const [header, , signature] = (await signed()).split(".");
    return `${header}.${encoded({ ...good, sub: "1" })}.${signature}`;
  },
  "an evil issuer": () => signed({ ...good, iss: "https://accounts.google.com.evil.test" }),
  "no issuer": () => signed(without("iss")),
  "another's audience": () => signed({ ...good, aud: "other.test" }),
  "no audience": () => signed(without("aud")),
  "several audiences and no party": () => signed({ ...good, aud: ["app.test", "other.test"] }),
  "several audiences and another as party": () =>
    signed({ ...good, aud: ["app.test", "other.test"], azp: "other.test" }),
  "an end 30 seconds ago": () => signed({ ...good, exp: now - 30 }),
  "no end": () => signed(without("exp")),
  "an issue in the future": () => signed({ ...good, iat: now + 31 }),
  "an issue more than an hour ago": () => signed({ ...good, iat: now - 3_631 }),
  "no issue": () => signed(without("iat")),
  "a start in the future": () => signed({ ...good, nbf: now + 31 }),
  "no address": () => signed(without("email")),
  "a list as address": () => signed({ ...good, email: ["ada@gmail.com"] }),
  "an address not verified": () => signed({ ...good, email_verified: false }),
  "a text that the address is": () => signed({ ...good, email_verified: "true" }),
  "a text that it is not": () => signed({ ...good, email_verified: "false" }),
  "no word about the address": () => signed(without("email_verified")),
  "no subject": () => signed(without("sub")),
  "a number as subject": () => signed({ ...good, sub: 1234567890 }),
  "nothing in it": () => "..",
  "no form at all": () => "not an ID token é",
};
for (const [what, forged] of Object.entries(refused)) {
  test(`an ID token with ${what} is refused`, async () => {
    assert.equal(await verify(await forged()), undefined);
  });
}

test("a nonce that was sent must be the token's", async () => {
  const bound = await signed({ ...good, nonce: "n-1" });
  assert.notEqual(await verify(bound, "n-1"), undefined);
  assert.equal(await verify(bound, "n-2"), undefined);
  assert.equal(await verify(bound, ""), undefined);
  assert.equal(await verify(await signed(), "n-1"), undefined);
  assert.notEqual(await verify(bound), undefined);
});

const authority: readonly (readonly [claims: Claims, isAuthoritative: boolean])[] = [
  [{ email: "ada@gmail.com" }, true],
  [{ email: "Ada@GoogleMail.com" }, true],
  [{ email: "ada@lovelace.test", hd: "lovelace.test" }, true],
  [{ email: "ada@lovelace.test" }, false],
  [{ email: "ada@lovelace.test", hd: "" }, false],
  [{ email: "ada@gmail.com.evil.test" }, false],
  [{ email: "ada@notgmail.com" }, false],
];
test("Google is authoritative for its own mailboxes and hosted domains only", async () => {
  for (const [claims, isAuthoritative] of authority) {
    const identified = await verify(await signed({ ...good, ...claims }));
    assert.equal(identified?.isAuthoritative, isAuthoritative, JSON.stringify(claims));
    assert.equal(identified?.hostedDomain, claims.hd || undefined);
  }
});

test("another issuer is authoritative only where the operator says so", async () => {
  const iss = "https://issuer.test";
  const token = await signed({ ...good, iss, hd: "gmail.com" });
  const ours = { ...usual, issuers: [iss] };
  assert.equal((await idTokens(ours).verify(token))?.isAuthoritative, false);
  assert.equal((await idTokens({ ...ours, trustsEmail: true }).verify(token))?.isAuthoritative, true);
  assert.equal(await idTokens(ours).verify(await signed()), undefined);
});

test("keys that cannot be read are an outage, never an invalid token", async () => {
  const issuerKeys = async () => {
    throw new TollgateError("PROVIDER_UNAVAILABLE", { retryAfterMs: 1 });
  };
  await assert.rejects(idTokens({ ...usual, issuerKeys }).verify(await signed()), { name: "TollgateError" });
});

test("without client ids nobody signs in", async () => {
  assert.equal(await idTokens({ ...usual, clientIds: [] }).verify(await signed()), undefined);
});

test("text that no database keeps, and names without measure, are not believed", async () => {
  for (const claims of [
    { sub: "a\0" },
    { sub: "\ud800" },
    { sub: "x".repeat(256) },
    { email: "a\0@gmail.com" },
    { email: `${"x".repeat(250)}@gmail.com` },
    { name: "a\0b" },
    { name: "\udc00" },
    { hd: "\0" },
  ]) {
    assert.equal(await verify(await signed({ ...good, ...claims })), undefined, JSON.stringify(claims));
  }
  const long = await verify(
    await signed({ ...good, name: `${"x".repeat(199)}\u{1f600}${"x".repeat(9_000)}` }),
  );
  assert.equal(long?.name, "x".repeat(199));
});
