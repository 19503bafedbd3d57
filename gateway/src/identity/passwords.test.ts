import assert from "node:assert/strict";
import { test } from "node:test";
import * as argon2 from "@node-rs/argon2";
import * as bcrypt from "@node-rs/bcrypt";
import fc from "fast-check";
import { hashGate } from "./hash-gate.ts";
import { passwordFault, passwords } from "./passwords.ts";

const { hash, verify } = passwords(hashGate({ running: 2, waiting: 32 }));
const cheap = { cost: 4 };
const CURRENT = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/;

test("a new hash is argon2id at OWASP's minimum, matches its password only, and stays", async () => {
  const stored = await hash("secure_password");
  assert.match(stored, CURRENT);
  assert.deepEqual(await verify(stored, "secure_password"), { matches: true });
  assert.deepEqual(await verify(stored, "secure_passwore"), { matches: false });
  assert.notEqual(await hash("secure_password"), stored);
});

test("a password matches however the keyboard composes it", async () => {
  assert.deepEqual(await verify(await hash("cafe\u0301 ﬁnesse"), "caf\u00e9 finesse"), { matches: true });
});

for (const version of ["2a", "2b", "2y"] as const) {
  test(`a ${version} bcrypt hash matches its password and is upgraded`, async () => {
    const stored = await bcrypt.hash("password123", { ...cheap, version });
    assert.deepEqual(await verify(stored, "password124"), { matches: false });
    const { matches, upgraded } = await verify(stored, "password123");
    assert.equal(matches, true);
    assert.match(upgraded!, CURRENT);
    assert.deepEqual(await verify(upgraded, "password123"), { matches: true });
  });
}

test("a bcrypt hash is of the text exactly as it was sent", async () => {
  const stored = await bcrypt.hash("cafe\u0301 au lait", cheap);
  assert.equal((await verify(stored, "caf\u00e9 au lait")).matches, false);
  const { matches, upgraded } = await verify(stored, "cafe\u0301 au lait");
  assert.equal(matches, true);
  assert.equal((await verify(upgraded, "caf\u00e9 au lait")).matches, true);
});

test("bcrypt reads 72 bytes; its upgrade binds all of the password that signed in", async () => {
  const stem = "a".repeat(72);
  const stored = await bcrypt.hash(`${stem}X`, cheap);
  const { matches, upgraded } = await verify(stored, `${stem}Y`);
  assert.equal(matches, true);
  assert.equal((await verify(upgraded, `${stem}Y`)).matches, true);
  assert.equal((await verify(upgraded, `${stem}X`)).matches, false);
  assert.equal((await verify(upgraded, stem)).matches, false);
});

const weaker: Readonly<Record<string, argon2.Options>> = {
  "with less memory": { memoryCost: 8_192, timeCost: 3 },
  "with fewer passes": { memoryCost: 20_480, timeCost: 1 },
  "of another kind": { memoryCost: 19_456, timeCost: 2, algorithm: 1 as argon2.Algorithm },
  "of an older version": { memoryCost: 19_456, timeCost: 2, version: 0 as argon2.Version },
  "with a short tag": { memoryCost: 19_456, timeCost: 2, outputLen: 16 },
};
for (const [what, options] of Object.entries(weaker)) {
  test(`an argon2 hash ${what} is upgraded when it matches`, async () => {
    const stored = await argon2.hash("password123", options);
    assert.deepEqual(await verify(stored, "password124"), { matches: false });
    assert.match((await verify(stored, "password123")).upgraded!, CURRENT);
  });
}

test("a stronger argon2id hash stays", async () => {
  const stored = await argon2.hash("password123", { memoryCost: 20_480, timeCost: 3 });
  assert.deepEqual(await verify(stored, "password123"), { matches: true });
});

const unknown: Readonly<Record<string, string | null | undefined>> = {
  "no user": undefined,
  "a user without password": null,
  "an empty hash": "",
  "a password in clear": "password123",
  "a hash of an unknown kind": "$1$salt$5f4dcc3b5aa765d61d8327deb882cf99",
  "an argon2 hash cut short": "$argon2id$v=19$m=19456,t=2,p=1$",
  "a bcrypt hash cut short": "$2b$04$LEge3eudO",
};
for (const [what, stored] of Object.entries(unknown)) {
  test(`${what} matches nothing`, async () => {
    assert.deepEqual(await verify(stored, "password123"), { matches: false });
    assert.deepEqual(await verify(stored, ""), { matches: false });
  });
}

test("finding out that there is no such user costs as much as a wrong password", async () => {
  const stored = await hash("password123");
  const known = await cpuOf(() => verify(stored, "wrong password"));
  const nobody = await cpuOf(() => verify(undefined, "wrong password"));
  assert.ok(nobody > known / 2 && nobody < known * 2, `${nobody} µs for nobody, ${known} µs for a user`);
});

/** Microseconds of this process's threads, for ten in a row. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let round = 0; round < 10; round += 1) await work();
  return process.cpuUsage(before).user;
}

test("everything that hashes passes the gate once", async () => {
  let passed = 0;
  const behind = passwords((work) => {
    passed += 1;
    return work();
  });
  await behind.hash("password123");
  await behind.verify(undefined, "password123");
  await behind.verify(await bcrypt.hash("password123", cheap), "password123");
  assert.equal(passed, 3);
});

const lengths: readonly (readonly [text: string, fault: string | undefined])[] = [
  ["password123", undefined],
  ["secure_password", undefined],
  ["1234567", "must have at least 8 characters"],
  ["        ", undefined],
  ["🔑".repeat(7), "must have at least 8 characters"],
  ["🔑".repeat(8), undefined],
  ["e\u0301".repeat(7), "must have at least 8 characters"],
  ["x".repeat(1_024), undefined],
  ["x".repeat(1_025), "must have at most 1024 bytes"],
  ["ä".repeat(513), "must have at most 1024 bytes"],
];
test("a new password has 8 characters to 1,024 bytes, and no other rules", () => {
  for (const [text, fault] of lengths) assert.equal(passwordFault(text), fault, text);
  fc.assert(
    fc.property(fc.string({ minLength: 8, maxLength: 300, unit: "grapheme-ascii" }), (text) => {
      assert.equal(passwordFault(text), undefined);
    }),
  );
});

test("a text longer than any password matches nothing, whatever is stored", async () => {
  const stored = await bcrypt.hash("x".repeat(72), cheap);
  assert.deepEqual(await verify(stored, "x".repeat(1_025)), { matches: false });
});
