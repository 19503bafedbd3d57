import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { suite, test } from "node:test";
import { sql } from "kysely";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { readOwner } from "./lock.ts";
import { migrateContract } from "./migrate.contract.ts";
import { migrate } from "./migrate.ts";
import { isOutage } from "./outages.ts";
import { EMBEDDED_MAJOR, FolderUnusable } from "./pglite.folder.ts";
import { openPglite } from "./pglite.ts";
import { storeContract } from "./store.contract.ts";
import { testFolder, testPglite } from "./testing.ts";

storeContract(testPglite, { skip: false });
migrateContract(testPglite, { skip: false });

suite("PGlite", () => {
  test("a new folder is made whole, durable, of the version it is checked for, and its owner is known", async () => {
    const home = mkdtempSync(join(tmpdir(), "tollgate-test-"));
    const folder = join(home, "not", "there", "yet");
    try {
      const store = await openPglite({ folder, clock: systemClock });
      await migrate(store);
      store.announce("http://127.0.0.1:4000");
      assert.equal(readOwner(folder)?.adminUrl, "http://127.0.0.1:4000");
      assert.equal(readOwner(folder)?.pid, process.pid);
      await store.close();
      assert.equal(readOwner(folder), undefined);
      assert.equal(readFileSync(join(folder, "PG_VERSION"), "utf8").trim(), EMBEDDED_MAJOR);
      assert.throws(() => statSync(`${folder}.new`), { code: "ENOENT" });
    } finally {
      rmSync(home, { recursive: true });
    }
  });

  test("what was committed is there after the folder is opened again", async () => {
    using home = await testFolder();
    const first = await openPglite({ folder: home.folder, clock: systemClock });
    await sql`create table kept (i int); insert into kept values (7)`.execute(first.db);
    await first.close();
    await assert.rejects(sql`select 1`.execute(first.db), isOutage);
    const second = await openPglite({ folder: home.folder, clock: systemClock });
    assert.deepEqual((await sql`select i from kept`.execute(second.db)).rows, [{ i: 7 }]);
    await second.close();
  });

  test("a folder of another version, or of something else, is refused and left unlocked", async () => {
    const home = mkdtempSync(join(tmpdir(), "tollgate-test-"));
    const folder = join(home, "data");
    mkdirSync(folder);
    writeFileSync(join(folder, "PG_VERSION"), "17\n");
    await assert.rejects(openPglite({ folder, clock: systemClock }), /PostgreSQL 17.*embeds 18/);
    rmSync(join(folder, "PG_VERSION"));
    writeFileSync(join(folder, "holiday.jpg"), "");
    await assert.rejects(openPglite({ folder, clock: systemClock }), FolderUnusable);
    assert.equal(readOwner(folder), undefined);
    rmSync(home, { recursive: true });
  });

  test("the outer handle inside a transaction is an error, not a wait without end", async () => {
    await using store = await testPglite();
    const nested = store.db.transaction().execute(() => sql`select 1`.execute(store.db));
    await assert.rejects(nested, /its own handle/);
    const afterwards = store.db.transaction().execute((tx) => sql`select 1`.execute(tx));
    const beside = sql`select 1`.execute(store.db);
    await Promise.all([afterwards, beside]);
  });

  test("a statement that takes too long is stopped, its transaction is lost, and the store works on", async () => {
    const clock = new VirtualClock();
    using home = await testFolder();
    const store = await openPglite({ folder: home.folder, clock, durable: false });
    await sql`create table steps (i int)`.execute(store.db);
    const heard = Promise.withResolvers<string>();
    await store.listen("after", heard.resolve);

    const stuck = store.db.transaction().execute(async (tx) => {
      await sql`insert into steps values (1)`.execute(tx);
      const endless = sql`select count(*) from generate_series(1, 1000000000000)`.execute(tx);
      clock.advance(10_000);
      await endless;
    });
    await assert.rejects(stuck, isOutage);
    assert.deepEqual((await sql`select i from steps`.execute(store.db)).rows, []);
    clock.advance(1_000);
    await sql`insert into steps values (2)`.execute(store.db);
    await sql`select pg_notify('after', 'the restart')`.execute(store.db);
    assert.equal(await heard.promise, "the restart");
    await store.close();
  });

  test("whoever waits too long for a transaction to end is refused", async () => {
    const clock = new VirtualClock();
    using home = await testFolder();
    const store = await openPglite({ folder: home.folder, clock, durable: false });
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const transaction = store.db.transaction().execute(async () => {
      begun.resolve();
      await held.promise;
    });
    await begun.promise;
    const waiting = assert.rejects(sql`select 1`.execute(store.db), isOutage);
    await new Promise(setImmediate);
    clock.advance(10_000);
    await waiting;
    held.resolve();
    await transaction;
    await store.close();
  });

  test("an answer that is nested too deep to be handed over is a failed statement, and the next is answered", async () => {
    await using store = await testPglite();
    const nested = `${"[".repeat(4_000)}${"]".repeat(4_000)}`;
    const began = performance.now();
    const isFault = (error: unknown) => !isOutage(error);
    await assert.rejects(sql`select ${nested}::json as nested`.execute(store.db), isFault);
    await sql`select 1`.execute(store.db);
    assert.ok(performance.now() - began < 5_000);
  });

  test("the log is cut by checkpoints while the store runs", async () => {
    using home = await testFolder();
    const store = await openPglite({ folder: home.folder, clock: systemClock, durable: false });
    await sql`create table filler (text text)`.execute(store.db);
    for (let index = 0; index < 1_200; index++)
      await sql`insert into filler values (repeat(${String(index % 10)}, 100000))`.execute(store.db);
    const { rows } = await sql<{ bytes: number }>`
      select (pg_current_wal_lsn() - redo_lsn)::bigint as bytes from pg_control_checkpoint()`.execute(
      store.db,
    );
    assert.ok(rows[0]!.bytes < 64 * 1024 * 1024);
    await store.close();
  });

  test("the event loop turns while twenty callers write", async () => {
    await using store = await testPglite();
    await sql`create table writes (i int)`.execute(store.db);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const caller = async (): Promise<void> => {
      for (let index = 0; index < 20; index++)
        await store.db.transaction().execute((tx) => sql`insert into writes values (${index})`.execute(tx));
    };
    await Promise.all(Array.from({ length: 20 }, caller));
    delay.disable();
    assert.ok(delay.percentile(99) < 50e6, `p99 was ${delay.percentile(99) / 1e6} ms`);
  });
});
