import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { seededChance } from "../lib/ids.ts";
import { readSettings } from "./environment.ts";
import { secretKeyOf } from "./secret-key.ts";

const home = mkdtempSync(join(tmpdir(), "tollgate-secret-"));
after(() => rmSync(home, { recursive: true }));
const given = "0123456789abcdef0123456789abcdef";

test("the embedded default makes its secret key once and keeps it for its own user only", () => {
  const folder = join(home, "fresh");
  const settings = readSettings({ DATA_DIR: folder });
  const key = secretKeyOf(settings, seededChance(1));
  assert.equal(key.length, 64);
  assert.deepEqual(secretKeyOf(settings, seededChance(2)), key);
  assert.equal(statSync(join(folder, "secret-key")).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o077, 0);
});

test("two installations never have the same generated key", () => {
  const keys = [1, 2].map((seed) =>
    secretKeyOf(readSettings({ DATA_DIR: join(home, `own-${seed}`) }), seededChance(seed)),
  );
  assert.notDeepEqual(keys[0], keys[1]);
});

test("a damaged secret key stops the start instead of weakening every other secret", () => {
  const folder = join(home, "damaged");
  const settings = readSettings({ DATA_DIR: folder });
  secretKeyOf(settings, seededChance(1));
  writeFileSync(join(folder, "secret-key"), "");
  assert.throws(() => secretKeyOf(settings, seededChance(1)), /is damaged/);
});

test("a given secret key is used as it is, and nothing is written", () => {
  const folder = join(home, "given");
  const settings = readSettings({ DATA_DIR: folder, SECRET_KEY: given });
  assert.equal(secretKeyOf(settings, seededChance(1)).toString(), given);
  assert.throws(() => readFileSync(join(folder, "secret-key")), { code: "ENOENT" });
});

test("in production, and with a database of its own, nothing starts without a secret key", () => {
  for (const variables of [{ NODE_ENV: "production" }, { DATABASE_URL: "postgres://localhost/x" }]) {
    const settings = readSettings({ ...variables, DATA_DIR: join(home, "none") });
    assert.throws(() => secretKeyOf(settings, seededChance(1)), /SECRET_KEY .* is needed/);
    const right = readSettings({ ...variables, SECRET_KEY: given });
    assert.equal(secretKeyOf(right, seededChance(1)).toString(), given);
  }
});

test("a published sample is no secret key", () => {
  for (const sample of [
    "your-super-secret-key-change-this-in-production",
    "changeme-changeme-changeme-changeme",
    "SECRET-secret-secret-secret-secret",
  ]) {
    const settings = readSettings({ SECRET_KEY: sample });
    assert.throws(
      () => secretKeyOf(settings, seededChance(1)),
      (error: Error) => {
        assert.match(error.message, /published sample/);
        assert.ok(!error.message.includes(sample));
        return true;
      },
    );
  }
});
