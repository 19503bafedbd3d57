import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSettings } from "./config/environment.ts";
import { checksOf } from "./main.doctor.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-test-"));
after(() => rmSync(folder, { recursive: true }));

test("an issuer without keys is no issuer that anybody could sign in by", async () => {
  const path = join(folder, "jwks.json");
  writeFileSync(path, JSON.stringify({ keys: [] }));
  const settings = readSettings({ GOOGLE_CLIENT_IDS: "tollgate-web", GOOGLE_JWKS_FILE: path });
  await assert.rejects(checksOf(settings)["google sign-in"]!(), /no keys/);
});
