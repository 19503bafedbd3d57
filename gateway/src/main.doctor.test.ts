import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readSettings } from "./config/environment.ts";
import type { Settings } from "./config/settings.ts";
import { ensureUsers } from "./identity/users.ts";
import { systemClock } from "./lib/clock.ts";
import { databaseOf } from "./main.doctor.database.ts";
import * as main from "./main.doctor.ts";
import { withStore } from "./main.store.ts";
import { migrate } from "./store/migrate.ts";

const folder = mkdtempSync(join(tmpdir(), "tollgate-test-"));
after(() => rmSync(folder, { recursive: true }));

const checksOf = (settings: Settings) => main.checksOf(settings, databaseOf(settings));

test("an issuer without keys is no issuer that anybody could sign in by", async () => {
  const path = join(folder, "jwks.json");
  writeFileSync(path, JSON.stringify({ keys: [] }));
  const settings = readSettings({ GOOGLE_CLIENT_IDS: "tollgate-web", GOOGLE_JWKS_FILE: path });
  await assert.rejects(checksOf(settings)["google sign-in"]!(), /no keys/);
});

test("looking at a folder without data makes none", async () => {
  const settings = readSettings({ DATA_DIR: join(folder, "none") });
  assert.match(await checksOf(settings).database!(), /^none yet: the first start makes it in /);
  assert.match(await checksOf(settings).plans!(), /^not looked at/);
  assert.equal(existsSync(settings.DATA_DIR), false);
});

test("what stops a start is found: an alias without its provider, a plan that is gone, a port that is taken", async () => {
  const CONFIG_FILE = join(folder, "tollgate.yaml");
  writeFileSync(CONFIG_FILE, "aliases: { fast: nowhere/m }");
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const settings = readSettings({ DATA_DIR: join(folder, "data"), CONFIG_FILE, PORT: String(port) });
  await withStore(settings, async (store) => {
    await migrate(store);
    await ensureUsers({ db: store.db, clock: systemClock }, ["usr_ann"]);
    await store.db.updateTable("users").set({ plan: "gone" }).execute();
  });
  await using database = databaseOf(settings);
  const checks = main.checksOf(settings, database);
  await assert.rejects(
    checks.aliases!(),
    /^Error: the alias fast names nowhere\/m, whose provider is not configured$/,
  );
  await assert.rejects(checks.plans!(), /^Error: the plan gone is assigned, and neither stored nor/);
  await assert.rejects(checks.port!(), new RegExp(`Port ${port} at 127\\.0\\.0\\.1 is taken.*Set PORT=`));
});
