import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { identityDeps } from "../identity/testing.ts";
import { DAY_MS, utcDay, VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { until } from "../lib/until.testing.ts";
import type { Db } from "../store/tables.ts";
import { testStore } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import type { Settlement } from "./ledger.ts";
import { keepLedgerDays } from "./ledger-days.ts";
import { makePartitions } from "./partitions.ts";
import { costReport } from "./reports.period.ts";
import { type ClosedDay, closeDays } from "./retention.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf } from "./testing.ts";
import { checkBooks, driftOf } from "./verify.ts";

const START = Date.UTC(2026, 2, 10, 12);
const FIRST_KEPT = utcDay(START + 2 * DAY_MS);

/** Calls on four days, half of them in the default partition, with lines, adjustments and two budgets. */
async function history(db: Db, { partitioned }: { partitioned: boolean }) {
  const { change } = identityDeps(db, 1);
  const chance = seededChance(5);
  for (const scopeId of ["1", "2"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 10n ** 9n, period: "none" } as const;
    await createBudget(db, budget, START);
  }
  if (partitioned) await makePartitions(db, START);
  const clock = new VirtualClock(START);
  const { settle } = settlements({ db, clock, onSettled: () => {}, onTrouble: noTrouble });
  const call = (createdAtMs: number, fields: Partial<Settlement> = {}) => {
    const made = callOf({
      id: uuidv7(createdAtMs, chance),
      createdAtMs,
      budgetIds: [1],
      projectId: 1,
      ...fields,
    });
    return settle(settlementOf({ ...made, reservedPico: 0n }, fields));
  };
  for (let day = 0; day < 4; day++) {
    await call(START + day * DAY_MS);
    await call(START + day * DAY_MS, { budgetIds: [1, 2], usageSource: "partial" });
  }
  const line = { ...callOf(), kind: "answer", usage: undefined, costPico: 500n };
  await call(START, { lines: [line, { ...line, kind: "compaction" }] });
  const closed: ClosedDay[] = [];
  const close = (firstKept = FIRST_KEPT) =>
    closeDays({ db, clock, change, onClosed: (day) => void closed.push(day) }, firstKept);
  return { call, close, closed, change, clock };
}

/** As re-pricing posts it. */
async function adjust(db: Db, day: string): Promise<void> {
  await sql`
    insert into ledger_adjustments
      (day, call_id, line, delta_pico, price_source, price_id, rates, reason, posted_at, posted_by)
    select day, id, 0, 7, 'operator', '1', '{}', 'test', now(), 'test' from prompt_runs
    where day = ${day}::date and usage_source = 'partial'`.execute(db);
  await sql`update budgets set spent_pico = spent_pico + 7`.execute(db);
  await sql`update daily_costs set cost_pico = cost_pico + 7, estimated_cost_pico = estimated_cost_pico + 7
    where day = ${day}::date`.execute(db);
}

const daysOf = async (db: Db) =>
  (await sql<{ day: string }>`select distinct day from prompt_runs order by day`.execute(db)).rows.map(
    ({ day }) => day,
  );
const drift = async (db: Db) => driftOf(await checkBooks(db));

for (const partitioned of [true, false]) {
  const where = partitioned ? "in partitions of their own" : "in the default partition";
  test(`old days are closed, reports and budgets stay as they are: days ${where}`, async () => {
    await using store = await testStore();
    const { db } = store;
    const { close, closed } = await history(db, { partitioned });
    await adjust(db, "2026-03-10");
    assert.deepEqual(await drift(db), []);
    const days = [0, 1, 2, 3].map((day) => utcDay(START + day * DAY_MS));
    const seen = async () => [
      await costReport(db, { kind: "project", id: 1 }, days),
      await db.selectFrom("budgets").selectAll().orderBy("id").execute(),
    ];
    const before = await seen();
    await close();
    assert.deepEqual(closed, [
      { day: "2026-03-10", calls: 3, costPico: 3_007n },
      { day: "2026-03-11", calls: 2, costPico: 2_000n },
    ]);
    assert.deepEqual(await daysOf(db), days.slice(2));
    assert.deepEqual(await seen(), before);
    assert.deepEqual(await drift(db), []);
    for (const table of ["prompt_run_lines", "ledger_adjustments"] as const) {
      assert.deepEqual(await db.selectFrom(table).selectAll().execute(), []);
    }
    await close();
    assert.equal(closed.length, 2);
  });
}

test("a row that comes to a closed day is closed too, and added", async () => {
  await using store = await testStore();
  const { db } = store;
  const { call, close, closed } = await history(db, { partitioned: true });
  await close();
  await call(START, { budgetIds: [2] });
  assert.deepEqual(await drift(db), []);
  await close();
  assert.deepEqual(closed.at(-1), { day: "2026-03-10", calls: 1, costPico: 1_000n });
  assert.deepEqual(await drift(db), []);
  const day = await db
    .selectFrom("closed_days")
    .selectAll()
    .where("day", "=", "2026-03-10")
    .executeTakeFirst();
  assert.deepEqual([day?.calls, day?.cost_pico], [4, "4000"]);
});

test("drift of a budget that was spent in closed days is found, and so is what is carried wrongly", async () => {
  await using store = await testStore();
  const { db } = store;
  const { close } = await history(db, { partitioned: true });
  await close();
  await sql`update budgets set spent_pico = spent_pico + 1 where id = 2`.execute(db);
  assert.deepEqual(await drift(db), [
    { scope: "project", id: "2 (budget 2)", counter: "spent_pico", expected: "4000", found: "4001" },
  ]);
  await sql`update budgets set spent_pico = spent_pico - 1 where id = 2`.execute(db);
  await sql`delete from closed_budget_spending where day = '2026-03-10'`.execute(db);
  assert.deepEqual(
    (await drift(db)).map(({ expected, found }) => [expected, found]),
    [
      ["6000", "9000"],
      ["3000", "4000"],
    ],
  );
});

test("a day without calls leaves nothing but its roll-ups to compare", async () => {
  await using store = await testStore();
  const { db } = store;
  const { close, closed } = await history(db, { partitioned: true });
  await close(utcDay(START + 6 * DAY_MS));
  assert.equal(closed.length, 4);
  assert.deepEqual(await daysOf(db), []);
  const { rows } = await sql<{ left: number }>`
    select count(*) as left from pg_inherits where inhparent = 'prompt_runs'::regclass`.execute(db);
  assert.equal(rows[0]!.left, 3);
  assert.deepEqual(await drift(db), []);
});

test("what is closed is in the audit log", async () => {
  await using store = await testStore();
  const { close } = await history(store.db, { partitioned: true });
  await close();
  const rows = await store.db.selectFrom("audit_entries").select("entry").orderBy("seq").execute();
  const { action, actor, target, changes } = JSON.parse(rows[0]!.entry);
  assert.deepEqual(
    [rows.length, action, actor.id, target.id, changes],
    [2, "ledger.close", "retention", "2026-03-10", { calls: [3, 0], cost_usd: ["0.000000003", "0"] }],
  );
});

test("a server closes days as they grow older than it keeps them", async () => {
  await using store = await testStore();
  const { db } = store;
  const { change, clock, closed } = await history(db, { partitioned: true });
  const stop = keepLedgerDays({
    ...{ db, clock, change, retentionDays: 32, onTrouble: noTrouble },
    onClosed: (day) => void closed.push(day),
  });
  clock.advance(34 * DAY_MS);
  await until(() => closed.length === 2);
  await stop();
  assert.deepEqual(
    closed.map(({ day }) => day),
    ["2026-03-10", "2026-03-11"],
  );
});
