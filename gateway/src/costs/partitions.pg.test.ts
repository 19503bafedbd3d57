import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { identityDeps } from "../identity/testing.ts";
import { DAY_MS, systemClock, utcDay } from "../lib/clock.ts";
import { fraction, seededChance, uuidv7 } from "../lib/ids.ts";
import type { Db } from "../store/tables.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import { makePartitions } from "./partitions.ts";
import { reservations } from "./reserve.ts";
import { closeDays } from "./retention.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf } from "./testing.ts";
import { checkBooks, driftOf } from "./verify.ts";

const skip = missing("postgres");

function settlingOn(db: Db) {
  return settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });
}

test("whoever reads the ledger for long keeps a partition from being made, until they are done", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  const now = systemClock.now();
  await db.transaction().execute(async (reader) => {
    await sql`select count(*) from prompt_runs`.execute(reader);
    assert.equal(await makePartitions(maintenance, now), 0);
  });
  assert.equal(await makePartitions(maintenance, now), 8);
});

test("while the default partition is locked, as one is made, calls go on being settled", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  await makePartitions(maintenance, systemClock.now());
  const held = reservations({ db, clock: systemClock, instance: "one", ttlMs: 60_000, onTrouble: noTrouble });
  const { settle } = settlingOn(db);
  await maintenance.transaction().execute(async (maker) => {
    await sql`lock table prompt_runs_default in access exclusive mode`.execute(maker);
    for (let calls = 0; calls < 20; calls++) {
      const answer = await held.reserve({ call: callOf(), needPico: 1_000n, wantPico: 1_000n });
      assert.ok(answer.granted);
      await settle(settlementOf(answer.call));
    }
  });
  await held.close();
  assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
});

test("a check of the books keeps the day that it reads from being closed meanwhile", { skip }, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  const { change } = identityDeps(maintenance, 1);
  const now = systemClock.now();
  await makePartitions(maintenance, now);
  const { settle } = settlingOn(db);
  for (let calls = 0; calls < 20; calls++) await settle(settlementOf({ ...callOf(), reservedPico: 0n }));
  const tomorrow = utcDay(now + DAY_MS);
  const close = () =>
    closeDays({ db: maintenance, clock: systemClock, change, onClosed: () => {} }, tomorrow);
  const rowsLeft = async () => (await db.selectFrom("prompt_runs").select("id").execute()).length;
  await db.transaction().execute(async (reader) => {
    await sql`lock table only prompt_runs in access share mode`.execute(reader);
    await close();
    assert.equal(await rowsLeft(), 20);
  });
  await close();
  assert.equal(await rowsLeft(), 0);
  assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
});

test("calls settle and expire while partitions are made and days are closed, and the books always agree", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  const { change } = identityDeps(maintenance, 1);
  const chance = seededChance(8);
  const start = systemClock.now();
  for (const scopeId of ["1", "2", "3"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 10n ** 15n, period: "none" } as const;
    await createBudget(db, budget, start);
  }
  const held = reservations({ db, clock: systemClock, instance: "one", ttlMs: 60_000, onTrouble: noTrouble });
  const { settle } = settlingOn(db);
  let today = 0;
  let isRunning = true;
  let calls = 0;
  let expired = 0;
  async function caller(): Promise<void> {
    while (isRunning) {
      const createdAtMs = start + (today - Math.floor(fraction(chance) ** 3 * 6)) * DAY_MS;
      const budgetIds = [1, 2, 3].filter(() => fraction(chance) < 0.6);
      const call = callOf({ id: uuidv7(createdAtMs, chance), createdAtMs, budgetIds });
      const answer = await held.reserve({ call, needPico: 1_000n, wantPico: 1_000n });
      assert.ok(answer.granted);
      if (fraction(chance) < 0.1) {
        await sql`update reservations set expires_at = now() where id = ${call.id}::uuid`.execute(db);
        expired += await expireReservations(db, noTrouble);
      } else {
        await settle(settlementOf(answer.call));
      }
      calls += 1;
    }
  }
  let made = 0;
  let closed = 0;
  const tend = async (): Promise<void> => {
    made += await makePartitions(maintenance, start + today * DAY_MS);
    const deps = { db: maintenance, clock: systemClock, change, onClosed: () => void closed++ };
    await closeDays(deps, utcDay(start + (today - 3) * DAY_MS));
  };
  const callers = Promise.all(Array.from({ length: 24 }, caller));
  const check = async () => assert.deepEqual(driftOf(await checkBooks(db)), []);
  for (; today < 36; today++) await Promise.all([tend(), tend(), ...(today % 3 === 0 ? [check()] : [])]);
  isRunning = false;
  await callers;
  await held.close();
  await expireReservations(db, noTrouble);
  assert.ok(calls > 200 && made > 0 && closed > 10, `${calls} calls, ${made} made, ${closed} closed`);
  assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
  const { rows } = await sql<{ calls: number; rolled: number }>`
    select (select count(*) from prompt_runs) + (select coalesce(sum(calls), 0) from closed_days)::bigint as calls,
      (select sum(calls) from daily_costs)::bigint as rolled`.execute(db);
  assert.deepEqual(rows[0], { calls, rolled: calls });
  assert.ok(expired > 0);
  assert.equal(await deadlocks(db), 0);
});

async function deadlocks(db: Db): Promise<number> {
  const { rows } = await sql<{ deadlocks: number }>`
    select deadlocks from pg_stat_database where datname = current_database()`.execute(db);
  return rows[0]!.deadlocks;
}
