import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { suite, test } from "node:test";
import { sql } from "kysely";
import { systemClock } from "../lib/clock.ts";
import { DurableFolder } from "./pglite.durable.ts";
import { openEngine, refuseUnlessCommitsAreSynced } from "./pglite.engine.ts";
import { openPglite } from "./pglite.ts";
import { testFolder } from "./testing.ts";

suite("PGlite keeps what it has acknowledged", () => {
  test("every commit waits for an fsync, and a folder that is never synced is refused", async () => {
    using home = await testFolder();
    const { database, disk } = await openEngine(home.folder, true, assert.ifError);
    await database.exec("create table rows (i int)");
    for (let index = 0; index < 20; index++) {
      const before = disk!.syncs;
      await database.query("insert into rows values ($1)", [index]);
      assert.ok(disk!.syncs > before);
    }
    const before = disk!.syncs;
    await database.exec("checkpoint");
    assert.ok(disk!.syncs > before + 1);
    await database.close();

    const unsynced = await openEngine(home.folder, false, assert.ifError);
    const pretended = new DurableFolder(home.folder, assert.ifError);
    await assert.rejects(
      refuseUnlessCommitsAreSynced(unsynced.database, pretended),
      /did not reach the disk/,
    );
    await unsynced.database.close();
  });

  test("a commit whose fsync fails is not acknowledged, and the store comes back when the disk does", async () => {
    using home = await testFolder();
    const child = spawn(process.execPath, program(badDisk, home.folder), {
      cwd: import.meta.dirname,
      env: { ...process.env, NODE_OPTIONS: `--import=${failingDisk(home.folder)}` },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = await child.stdout.toArray();
    assert.deepEqual(JSON.parse(Buffer.concat(said).toString()), {
      error: "StoreUnavailable",
      reason: "The embedded database ended: fsync failed: Error: EIO",
      rowsAfterwards: 2,
    });
  });

  test("kill -9 during writes loses no acknowledged row", async () => {
    using home = await testFolder();
    const acknowledged: number[] = [];
    for (let cycle = 0; cycle < 3; cycle++) {
      const first = cycle * 100_000;
      acknowledged.push(...(await writeUntilKilled(home.folder, first, 150)));
      const store = await openPglite({ folder: home.folder, clock: systemClock });
      const { rows } = await sql<{ id: number }>`select id from ledger`.execute(store.db);
      const stored = new Set(rows.map((row) => row.id));
      assert.deepEqual(
        acknowledged.filter((id) => !stored.has(id)),
        [],
      );
      const balance = await sql<{ total: number }>`select total from balance`.execute(store.db);
      assert.equal(balance.rows[0]?.total, stored.size);
      await store.close();
    }
    assert.ok(acknowledged.length >= 450);
  });

  test("a power cut loses no acknowledged row, wherever it falls", {
    skip: !fs.existsSync("/proc/self/fd"),
  }, async () => {
    using home = await testFolder();
    const crashes = fs.mkdtempSync(join(tmpdir(), "tollgate-test-"));
    const shadow = join(crashes, "shadow");
    fs.cpSync(home.folder, shadow, { recursive: true });
    const restore = replaceFsync((descriptor) => keep(descriptor, home.folder, shadow));
    const crashPoints = [1, 57, 100, 150, 151, 239];
    try {
      const { database } = await openEngine(home.folder, true, assert.ifError);
      await database.exec(schema);
      for (let id = 0; id < 240; id++) {
        await database.transaction(async (tx) => {
          await tx.query("insert into ledger values ($1, repeat('x', 500))", [id]);
          await tx.exec("update balance set total = total + 1");
        });
        if (id % 100 === 99) await database.exec("select pg_switch_wal()");
        if (id % 75 === 74) await database.exec("checkpoint");
        if (crashPoints.includes(id)) fs.cpSync(shadow, join(crashes, String(id)), { recursive: true });
      }
      await database.close();
    } finally {
      restore();
    }
    for (const id of crashPoints) {
      const { database } = await openEngine(join(crashes, String(id)), false, assert.ifError);
      const { rows } = await database.query("select count(*) as n, max(id) as last from ledger");
      assert.deepEqual(rows, [{ n: id + 1, last: id }], `after a power cut at ${id}`);
      assert.deepEqual((await database.query("select total from balance")).rows, [{ total: id + 1 }]);
      await database.exec("set enable_seqscan = off");
      assert.deepEqual((await database.query("select count(*) as n from ledger where id >= 0")).rows, [
        { n: id + 1 },
      ]);
      await database.close();
    }
    fs.rmSync(crashes, { recursive: true });
  });
});

const schema = `
  create table if not exists ledger (id bigint primary key, filler text);
  create table if not exists balance (total bigint);
  insert into balance select 0 where not exists (select from balance)`;

/** Runs a process that writes and says so, kills it in the middle, and returns the ids it acknowledged. */
async function writeUntilKilled(folder: string, first: number, enough: number): Promise<number[]> {
  const child = spawn(process.execPath, program(endlessWrites, folder, first), {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const ids: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    ids.push(Number(line));
    if (ids.length === enough) child.kill("SIGKILL");
  }
  await exited;
  return ids;
}

/** Arguments of a Node.js that runs `code` on an open store. */
function program(code: string, folder: string, first = 0): string[] {
  const prelude = `
    import fs, { writeSync } from "node:fs";
    import { sql } from "kysely";
    import { openPglite } from "./pglite.ts";
    import { systemClock as clock } from "../lib/clock.ts";
    const folder = ${JSON.stringify(folder)};
    const first = ${first};
    const store = await openPglite({ folder, clock });
    await sql.raw(${JSON.stringify(schema)}).execute(store.db);`;
  return ["--input-type=module", "-e", prelude + code];
}

const endlessWrites = `
  for (let id = first; ; id++) {
    await store.db.transaction().execute(async (tx) => {
      await sql\`insert into ledger values (\${id}, 'x')\`.execute(tx);
      await sql\`update balance set total = total + 1\`.execute(tx);
    });
    writeSync(1, id + "\\n");
  }`;

const badDisk = `
  await sql\`insert into ledger values (1)\`.execute(store.db);
  fs.writeFileSync(folder + ".bad", "");
  const error = await sql\`insert into ledger values (2)\`.execute(store.db).catch((error) => error);
  fs.rmSync(folder + ".bad");
  await sql\`insert into ledger values (3)\`.execute(store.db);
  const { rows } = await sql\`select id from ledger where id <> 2\`.execute(store.db);
  writeSync(1, JSON.stringify({ error: error.name, reason: error.message, rowsAfterwards: rows.length }));
  await store.close();`;

/** A module that makes fsync fail in every thread while `<folder>.bad` exists. */
function failingDisk(folder: string): string {
  const code = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const real = fs.fsyncSync;
    fs.fsyncSync = (descriptor) => {
      if (fs.existsSync(${JSON.stringify(`${folder}.bad`)})) throw new Error("EIO");
      real(descriptor);
    };
    syncBuiltinESMExports();`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** Whatever calls fsync from now on calls `substitute`. */
function replaceFsync(substitute: (descriptor: number) => void): () => void {
  const real = fs.fsyncSync;
  fs.fsyncSync = substitute;
  syncBuiltinESMExports();
  return () => {
    fs.fsyncSync = real;
    syncBuiltinESMExports();
  };
}

/**
 * What survives a power cut: a synced file with its bytes and its name, as on ext4; a synced directory's removals.
 * Everything else stays as it was.
 */
function keep(descriptor: number, folder: string, shadow: string): void {
  const path = fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  const kept = join(shadow, relative(folder, path));
  if (fs.fstatSync(descriptor).isFile()) {
    fs.mkdirSync(dirname(kept), { recursive: true });
    fs.copyFileSync(path, kept);
    return;
  }
  fs.mkdirSync(kept, { recursive: true });
  const present = new Set(fs.readdirSync(path));
  for (const name of fs.readdirSync(kept))
    if (!present.has(name)) fs.rmSync(join(kept, name), { recursive: true });
}
