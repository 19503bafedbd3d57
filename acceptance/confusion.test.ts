import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { formatKey } from "../gateway/src/identity/key.ts";
import { derivedKey, hmacSha256, type Purpose } from "../gateway/src/lib/secrets.ts";
import { type Asking, ask, atOnce, type Reply, told } from "./ask.ts";
import { edited, type Fields, hs256, newIssuer, readJwt, rs256 } from "./forge.ts";
import { issueKey, newPerson, signIn } from "./people.ts";
import { newHome, startTollgate } from "./server.ts";
import { SECRET_KEY } from "./stores.ts";

const secretKey = Buffer.from(SECRET_KEY);
const internalToken = "internal-token-of-the-operator";
const staticToken = "static-token-of-an-app";
const clientId = "client.apps.example.com";

const home = await newHome();
const issuer = newIssuer(clientId);
writeFileSync(join(home.folder, "jwks.json"), issuer.jwks);
const server = await startTollgate({
  home,
  env: {
    SECRET_KEY,
    ABUSE_MODE: "off",
    INTERNAL_API_TOKEN: internalToken,
    APP_AUTH_TOKEN_USER_MAP: `${staticToken}:usr_app`,
    GOOGLE_CLIENT_IDS: clientId,
    GOOGLE_JWKS_FILE: "jwks.json",
    LOGIN_ATTEMPTS_PER_ADDRESS: "",
    LOGIN_ATTEMPTS_PER_EMAIL: "",
    LOGIN_ATTEMPTS_PER_EMAIL_AND_ADDRESS: "",
  },
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});

const { url } = server;
const person = await newPerson(url, "person");
const stranger = await newPerson(url, "stranger");
const issued = await issueKey(url, person);
await issueKey(url, person, { name: "a second one, so that the list has a cursor" });
const list = await told<{ next_cursor: string }>(url, "GET /auth/api-keys?limit=1", { token: person.token });
const mine = readJwt(person.token);
const signingKey = derivedKey(secretKey, "jwt-hs256");
const purposes: readonly Purpose[] = [
  ...(["apikey-pepper", "static-token", "ratelimit-subject", "jwt-hs256"] as const),
  ...(["refresh-digest", "refresh-next", "audit-mac", "cursor"] as const),
];

const secrets: Readonly<Record<string, string>> = {
  accessToken: person.token,
  expiredToken: hs256(mine.header, { ...mine.claims, exp: Math.floor(Date.now() / 1_000) - 60 }, signingKey),
  refreshToken: person.refreshToken,
  idToken: issuer.idToken,
  apiKey: issued.key,
  maskedKey: `sk-tg1_${issued.prefix}_****`,
  keyPrefix: issued.prefix,
  keyDigest: hmacSha256(derivedKey(secretKey, "apikey-pepper"), issued.key).toString("hex"),
  otherSecretOfKey: formatKey("sk", issued.prefix, randomBytes(32)),
  internalToken,
  operatorToken: readFileSync(join(home.folder, "data", "operator-token"), "utf8"),
  staticToken,
  password: person.password,
  cursor: list.next_cursor,
  sessionId: String(mine.claims.sid),
  userId: person.id,
  secretKey: SECRET_KEY,
  setupToken: server.setupToken!,
};

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
const header = (name: string) => (secret: string) =>
  ask(url, "GET /auth/me", { headers: { [name]: secret } });
const post = (line: string, body: (secret: string) => object, asking: Asking = {}) => {
  return (secret: string) => ask(url, `POST ${line}`, { json: body(secret), ...asking });
};
const { email } = person;
const newcomer = { email: "setup@example.com", name: "N", password: "password123" };

/** Where a secret can be offered. */
const places: Readonly<Record<string, (secret: string) => Promise<Reply>>> = {
  "Authorization: Bearer": (token) => ask(url, "GET /auth/me", { token }),
  Authorization: header("authorization"),
  "Basic, as the password": (secret) => ask(url, "GET /auth/me", { headers: basic(`${email}:${secret}`) }),
  "Basic, as the user": (secret) => ask(url, "GET /auth/me", { headers: basic(`${secret}:`) }),
  "x-api-key": header("x-api-key"),
  "api-key": header("api-key"),
  "x-auth-token": header("x-auth-token"),
  cookie: (secret) =>
    ask(url, "GET /auth/me", { headers: { cookie: `session=${secret}; access_token=${secret}` } }),
  "the query": (secret) => {
    const text = encodeURIComponent(secret);
    return ask(url, `GET /auth/me?api_key=${text}&access_token=${text}&token=${text}&key=${text}`);
  },
  "the internal API": (token) => ask(url, `GET /internal/api-keys/${issued.prefix}`, { token }),
  "the internal API, x-api-key": (secret) =>
    ask(url, `GET /internal/api-keys/${issued.prefix}`, { headers: { "x-api-key": secret } }),
  "a prefix of the internal API": (secret) =>
    ask(url, `GET /internal/api-keys/${encodeURIComponent(secret)}`, { token: internalToken }),
  "the operator's API": (token) => ask(url, "POST /operator/commands/keys-list", { token, json: {} }),
  "the operator's API, x-api-key": (secret) =>
    ask(url, "POST /operator/commands/keys-list", { headers: { "x-api-key": secret }, json: {} }),
  "a cursor": (secret) =>
    ask(url, `GET /auth/api-keys?cursor=${encodeURIComponent(secret)}`, { token: person.token }),
  "a password": post("/auth/login", (password) => ({ email, password })),
  "a refresh token": post("/auth/refresh", (secret) => ({ refresh_token: secret })),
  "an ID token": post("/v1/auth/google", (idToken) => ({ idToken })),
  "a set-up token": post("/auth/setup", (token) => ({ token, ...newcomer })),
};

const right: ReadonlySet<string> = new Set([
  ...["accessToken", "apiKey", "staticToken"].flatMap((secret) =>
    ["Authorization: Bearer", "x-api-key", "api-key"].map((place) => `${secret} as ${place}`),
  ),
  "apiKey as Authorization",
  "internalToken as the internal API",
  "keyPrefix as a prefix of the internal API",
  "operatorToken as the operator's API",
  "cursor as a cursor",
  "password as a password",
  "refreshToken as a refresh token",
  "idToken as an ID token",
  "setupToken as a set-up token",
]);

test("every secret opens its own place and no other", async () => {
  const opened: string[] = [];
  for (const [place, offer] of Object.entries(places)) {
    const names = Object.keys(secrets);
    const replies = await atOnce(names.length, (index) => offer(secrets[names[index]!]!));
    for (const [index, { status, text }] of replies.entries()) {
      assert.ok(status < 500, `${names[index]} as ${place}: ${status} ${text}`);
      if (status < 300) opened.push(`${names[index]} as ${place}`);
      else for (const name of names) assert.ok(!tells(text, name), `${place} shows the ${name}`);
    }
  }
  assert.deepEqual(opened.toSorted(), [...right].toSorted());
});

/** Ids may be shown to their owner; what opens something never. */
function tells(text: string, name: string): boolean {
  return !["keyPrefix", "maskedKey", "userId"].includes(name) && text.includes(secrets[name]!);
}

const other = readJwt(stranger.token);
const forged: Readonly<Record<string, string>> = {
  "no algorithm": hs256({ ...mine.header, alg: "none" }, mine.claims, signingKey),
  "no signature": `${person.token.slice(0, person.token.lastIndexOf("."))}.`,
  "an empty key": hs256(mine.header, mine.claims, ""),
  "the master key": hs256(mine.header, mine.claims, secretKey),
  "the ID token issuer's key": rs256({ ...mine.header, alg: "RS256" }, mine.claims, issuer.privateKey),
  "the issuer's public key": hs256(mine.header, mine.claims, issuer.publicKeyText),
  "a key that it brings itself": hs256(
    { ...mine.header, jwk: { kty: "oct", k: "AAAA" } },
    mine.claims,
    "\0\0\0",
  ),
  "a key of another name": hs256({ ...mine.header, kid: "../../dev/null" }, mine.claims, signingKey),
  "another type": hs256({ ...mine.header, typ: "JWT" }, mine.claims, signingKey),
  "an edited role": edited(person.token, { role: "admin" }),
  "an edited user": edited(person.token, { sub: stranger.id }),
  "an edited session": edited(person.token, { sid: other.claims.sid }),
  "the rest of another's token": [...person.token.split(".").slice(0, 2), stranger.token.split(".")[2]].join(
    ".",
  ),
  "another's session, well signed": hs256(mine.header, { ...mine.claims, sid: other.claims.sid }, signingKey),
  "no session, well signed": hs256(mine.header, without(mine.claims, "sid"), signingKey),
  "no end, well signed": hs256(mine.header, without(mine.claims, "exp"), signingKey),
  ...Object.fromEntries(
    purposes
      .filter((purpose) => purpose !== "jwt-hs256")
      .map((purpose) => [
        `the key of ${purpose}`,
        hs256(mine.header, mine.claims, derivedKey(secretKey, purpose)),
      ]),
  ),
};

for (const [what, token] of Object.entries(forged)) {
  test(`an access token with ${what} is refused`, async () => {
    const { status, code } = await ask(url, "GET /auth/me", { token });
    assert.deepEqual([status, code], [401, "AUTH_INVALID"]);
  });
}

test("what a well-signed token claims to be is not believed: its session says", async () => {
  const token = hs256(mine.header, { ...mine.claims, role: "admin", ep: 999_999 }, signingKey);
  assert.equal((await told<{ role: string }>(url, "GET /auth/me", { token })).role, "developer");
  assert.equal((await ask(url, "GET /admin/users", { token })).status, 403);
});

const badIdTokens: Readonly<Record<string, string>> = {
  "no algorithm": hs256({ ...issuer.header, alg: "none" }, issuer.claims, ""),
  "the public key as a secret": hs256(
    { ...issuer.header, alg: "HS256" },
    issuer.claims,
    issuer.publicKeyText,
  ),
  "Tollgate's own key": hs256({ ...issuer.header, alg: "HS256" }, issuer.claims, signingKey),
  "another's client": rs256(issuer.header, { ...issuer.claims, aud: "other" }, issuer.privateKey),
  "another issuer": rs256(
    issuer.header,
    { ...issuer.claims, iss: "https://evil.example" },
    issuer.privateKey,
  ),
};
for (const [what, idToken] of Object.entries(badIdTokens)) {
  test(`an ID token with ${what} is refused`, async () => {
    assert.equal((await ask(url, "POST /v1/auth/google", { json: { idToken } })).status, 401);
  });
}

test("tokens that begin alike never share an identity, however fast they alternate", async () => {
  const owners = [person, stranger, await newPerson(url, "third")];
  const held = await Promise.all(owners.flatMap((owner) => [signIn(url, owner), signIn(url, owner)]));
  assert.equal(new Set(held.map(({ token }) => token.split(".")[0])).size, 1, "they begin alike");
  const found = await atOnce(300, async (index) => {
    const { token, id } = held[index % held.length]!;
    return (await told<{ id: string }>(url, "GET /auth/me", { token })).id === id;
  });
  assert.ok(found.every(Boolean));
});

test("two different API keys are too many, the same one twice is not", async () => {
  const second = (await issueKey(url, stranger)).key;
  const both = (key: string) => ({ token: issued.key, headers: { "x-api-key": key } });
  assert.equal((await ask(url, "GET /auth/me", both(second))).code, "AUTH_AMBIGUOUS");
  assert.equal((await ask(url, "GET /auth/me", both(issued.key))).status, 200);
});

test("an unknown e-mail and a wrong password are answered alike and take as long", async () => {
  const elapsed: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
  const answers = new Set<string>();
  const attempt = async (who: "known" | "unknown", index: number) => {
    const json = {
      email: who === "known" ? email : `nobody${index}@example.com`,
      password: "wrong password",
    };
    const startedAt = performance.now();
    const { status, headers, text } = await ask(url, "POST /auth/login", { json });
    elapsed[who].push(performance.now() - startedAt);
    answers.add(JSON.stringify([status, [...headers.keys()], text.replace(/"req_\w+"/, "")]));
  };
  for (let round = 0; round < 15; round++) {
    await atOnce(8, (index) => attempt(index % 2 === 0 ? "known" : "unknown", round * 8 + index));
  }
  assert.equal(answers.size, 1, [...answers].join("\n"));
  assert.equal(elapsed.known.length, 60);
  const ratio = median(elapsed.known) / median(elapsed.unknown);
  assert.ok(ratio > 0.8 && ratio < 1.25, `the ratio of the medians is ${ratio}`);
});

test("after all of this nothing went wrong inside the server", () => {
  assert.equal(server.stderr(), "");
  assert.ok(!server.stdout().includes('"level":"error"'), server.stdout().slice(-2000));
});

function without(claims: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
