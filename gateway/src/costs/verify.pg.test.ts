import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { identityDeps, tester } from "../identity/testing.ts";
import { systemClock } from "../lib/clock.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf } from "./testing.ts";
import { repairBooks } from "./verify.repair.ts";
import { checkBooks, driftOf } from "./verify.ts";

const skip = missing("postgres");

test("under load no check sees drift, and repairs among the calls set right what was falsified, exactly once", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  const { change } = identityDeps(db, 1);
  const chance = seededChance(4);
  for (const scopeId of ["1", "2", "3"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 10n ** 12n, period: "none" } as const;
    await createBudget(db, budget, systemClock.now());
  }
  const held = reservations({
    db,
    clock: systemClock,
    instance: "gateway",
    ttlMs: 60_000,
    onTrouble: noTrouble,
  });
  const settling = settlements({ db, clock: systemClock, onSettled: held.forget, onTrouble: noTrouble });
  let isRunning = true;
  let calls = 0;
  async function caller(): Promise<void> {
    while (isRunning) {
      const budgetIds = [1, 2, 3].filter(() => fraction(chance) < 0.6);
      const model = fraction(chance) < 0.5 ? "gpt-5.1" : "sim-echo";
      const answer = await held.reserve({
        call: callOf({ budgetIds, model }),
        needPico: 1_000n,
        wantPico: 1_000n,
      });
      assert.ok(answer.granted);
      const isLate = fraction(chance) < 0.1;
      if (isLate) {
        await sql`update reservations set expires_at = now() where id = ${answer.call.id}::uuid`.execute(db);
        await expireReservations(db, noTrouble);
      }
      await settling.settle(
        settlementOf(answer.call, { costPico: BigInt(Math.floor(fraction(chance) * 1_500)) }),
      );
      calls += 1;
    }
  }
  const callers = Promise.all(Array.from({ length: 24 }, caller));
  for (let round = 0; round < 15; round++) assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
  for (let round = 0; round < 10; round++) {
    await sql`update budgets set spent_pico = spent_pico + 10000000, reserved_pico = reserved_pico + 10000000
      where id = ${1 + (round % 3)}`.execute(db);
    await sql`update daily_costs set calls = calls + 3, cost_pico = cost_pico - 5 where model = 'gpt-5.1'`.execute(
      db,
    );
    const checks = await Promise.all([checkBooks(maintenance), checkBooks(maintenance)]);
    for (const check of checks) assert.equal(driftOf(check).length, 4);
    const repaired = await Promise.all(checks.map((check) => repairBooks({ change }, tester, check)));
    assert.deepEqual(repaired.toSorted(), [0, 4]);
    assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
  }
  isRunning = false;
  await callers;
  await held.close();
  assert.ok(calls > 200, `${calls} calls`);
  const last = await checkBooks(maintenance);
  assert.deepEqual(driftOf(last), []);
  const { rows } = await sql<{
    reserved: string;
  }>`select sum(reserved_pico) as reserved from budgets`.execute(db);
  assert.equal(rows[0]!.reserved, "0");
});

test("a look whose time is up in the middle of a day ends there, and says that it is not whole", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const settling = settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });
  await settling.settle(settlementOf({ ...callOf(), reservedPico: 1_000n }));
  await db.transaction().execute(async (tx) => {
    await sql`lock table prompt_run_lines in access exclusive mode`.execute(tx);
    const until = { clock: systemClock, atMs: systemClock.monotonic() + 100 };
    const { isWhole, checked } = await checkBooks(db, { until });
    assert.deepEqual([isWhole, checked], [false, 1]);
  });
  assert.equal((await checkBooks(db)).isWhole, true);
});
