import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { DAY_MS, utcDay, VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import { migrate, migrateDown, readMigrations } from "../store/migrate.ts";
import type { Db } from "../store/tables.ts";
import { testPglite } from "../store/testing.ts";
import { keepLedgerDays } from "./ledger-days.ts";
import { makePartitions, partitionOf } from "./partitions.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf } from "./testing.ts";
import { checkBooks, driftOf } from "./verify.ts";

const NOON = Date.UTC(2026, 2, 10, 12);
const chance = seededChance(2);

async function settleAt(db: Db, createdAtMs: number): Promise<void> {
  const clock = new VirtualClock(createdAtMs);
  const { settle } = settlements({ db, clock, onSettled: () => {}, onTrouble: noTrouble });
  await settle(
    settlementOf({ ...callOf({ id: uuidv7(createdAtMs, chance), createdAtMs }), reservedPico: 0n }),
  );
}

/** Where the calls lie. */
async function placesOf(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ place: string }>`
    select tableoid::regclass::text as place from prompt_runs order by day, id`.execute(db);
  return rows.map(({ place }) => place);
}

async function partitionsOf(db: Db): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select inhrelid::regclass::text as name from pg_inherits
    where inhparent = 'prompt_runs'::regclass order by 1`.execute(db);
  return rows.map(({ name }) => name);
}

test("today and each of the seven days after it have a partition, made once", async () => {
  await using store = await testPglite();
  const { db } = store;
  assert.equal(await makePartitions(db, NOON), 8);
  assert.equal(await makePartitions(db, NOON), 0);
  const days = Array.from({ length: 8 }, (_, ahead) => partitionOf(utcDay(NOON + ahead * DAY_MS)));
  assert.deepEqual(await partitionsOf(db), [...days, "prompt_runs_default"]);
  await settleAt(db, NOON);
  await settleAt(db, NOON + 30 * DAY_MS);
  assert.deepEqual(await placesOf(db), ["prompt_runs_20260310", "prompt_runs_default"]);
  assert.deepEqual(driftOf(await checkBooks(db)), []);
});

test("a day that lies in the default partition stays there, and the others get one", async () => {
  await using store = await testPglite();
  const { db } = store;
  await settleAt(db, NOON);
  assert.equal(await makePartitions(db, NOON), 7);
  await settleAt(db, NOON);
  await settleAt(db, NOON + DAY_MS);
  assert.deepEqual(await placesOf(db), [
    "prompt_runs_default",
    "prompt_runs_default",
    "prompt_runs_20260311",
  ]);
  assert.deepEqual(driftOf(await checkBooks(db)), []);
});

test("a ledger from before there were partitions is kept as one, and the default one begins anew", async () => {
  await using store = await testPglite();
  const { db } = store;
  await settleAt(db, NOON - DAY_MS);
  await settleAt(db, NOON);
  const later = (await readMigrations()).filter(({ name }) => name >= "0008_ledger");
  await migrateDown(store, later.length);
  await migrate(store);
  assert.deepEqual(await partitionsOf(db), ["prompt_runs_before", "prompt_runs_default"]);
  assert.equal(await makePartitions(db, NOON), 7);
  await settleAt(db, NOON);
  await settleAt(db, NOON + DAY_MS);
  assert.deepEqual((await placesOf(db)).slice(2), ["prompt_runs_before", "prompt_runs_20260311"]);
  assert.deepEqual(driftOf(await checkBooks(db)), []);
});

test("a server makes room when it starts and as days go by", async () => {
  await using store = await testPglite();
  const { db } = store;
  const clock = new VirtualClock(NOON);
  const change = () => Promise.reject(new Error("nothing is to be closed"));
  const made = { db, clock, change, retentionDays: undefined, onClosed: () => {}, onTrouble: noTrouble };
  const stop = keepLedgerDays(made);
  clock.advance(2 * DAY_MS);
  const last = partitionOf(utcDay(NOON + 9 * DAY_MS));
  await until(async () => (await partitionsOf(db)).includes(last));
  await stop();
});
