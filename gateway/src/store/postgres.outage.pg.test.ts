import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { type Services, startServices } from "../../../scripts/services.ts";
import { systemClock } from "../lib/clock.ts";
import { isOutage } from "./outages.ts";
import { openPostgres } from "./postgres.ts";
import type { Store } from "./store.ts";
import { missing } from "./testing.ts";

suite("PostgreSQL that fails", { skip: missing("postgres") }, () => {
  let services: Services;
  let store: Store;
  before(async () => {
    services = await startServices();
    store = await openPostgres({ url: services.databaseUrl, poolSize: 3, clock: systemClock });
    await sql`create table steps (i int)`.execute(store.db);
  });
  after(async () => {
    await store.close();
    await services.stop();
  });

  const answers = () => sql`select 1`.execute(store.db);
  const freeze = () => stopAll(store, services.postgresPid);

  test("a frozen server keeps nobody waiting, in or before a transaction, and is used again when it thaws", async () => {
    const begun = Promise.withResolvers<void>();
    const frozen = Promise.withResolvers<void>();
    const transaction = store.db.transaction().execute(async (tx) => {
      await sql`insert into steps values (1)`.execute(tx);
      begun.resolve();
      await frozen.promise;
      await sql`insert into steps values (2)`.execute(tx);
    });
    await begun.promise;
    const wake = await freeze();
    try {
      frozen.resolve();
      const asked = performance.now();
      const callers = [transaction, ...Array.from({ length: 5 }, answers)];
      const outcomes = await Promise.allSettled(
        callers.map((call) => assert.rejects(call, isOutage).then(() => performance.now() - asked)),
      );
      for (const outcome of outcomes) {
        assert.equal(outcome.status, "fulfilled");
        assert.ok(outcome.status === "fulfilled" && outcome.value < 2_500, JSON.stringify(outcome));
      }
      const newcomer = performance.now();
      await assert.rejects(answers(), isOutage);
      assert.ok(performance.now() - newcomer < 2_500);
    } finally {
      wake();
    }
    await eventually(answers);
    assert.deepEqual((await sql`select i from steps`.execute(store.db)).rows, []);
  });

  test("a statement that takes too long is cancelled by the server and its connection is used again", async () => {
    const started = performance.now();
    await assert.rejects(sql`select pg_sleep(30)`.execute(store.db), isOutage);
    assert.ok(performance.now() - started < 2_500);
    await answers();
  });

  test("maintenance may take longer than a request", async () => {
    await sql`select pg_sleep(2.5)`.execute(store.maintenance);
  });

  test("a lost connection fails what ran on it, the listener comes back, and the process lives", async () => {
    const heard: string[] = [];
    await store.listen("steps", (payload) => heard.push(payload));
    const others = sql`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()
      and backend_type = 'client backend'`;
    const cut = store.db.transaction().execute(async (tx) => {
      await sql`insert into steps values (3)`.execute(tx);
      await others.execute(store.maintenance);
      await pause(50);
      await sql`insert into steps values (4)`.execute(tx);
    });
    await assert.rejects(cut, isOutage);
    await eventually(async () => {
      await sql`select pg_notify('steps', 'again')`.execute(store.db);
      await pause(20);
      assert.ok(heard.includes("again"));
    });
    assert.deepEqual((await sql`select i from steps`.execute(store.db)).rows, []);
  });

  test("more callers than connections wait for their turn", async () => {
    await Promise.all(Array.from({ length: 60 }, answers));
  });

  test("a server that cannot be reached is an outage at the start too", async () => {
    const url = "postgres://postgres@127.0.0.1:1/postgres";
    await assert.rejects(openPostgres({ url, poolSize: 1, clock: systemClock }), isOutage);
  });
});

/** The server is several processes; all of them stop. The returned function wakes them. */
async function stopAll(store: Store, main: number): Promise<() => void> {
  const { rows } = await sql<{ pid: number }>`select pid from pg_stat_activity`.execute(store.db);
  const pids = [main, ...rows.map((row) => row.pid)];
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  return () => {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  };
}

async function eventually(attempt: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await pause(100);
    }
  }
}
