import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { createBudget } from "./budgets.ts";
import type { ReservedCall } from "./ledger.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, disagreements, noTrouble, settlementOf, storeForTests } from "./testing.ts";
import { topUps } from "./top-up.ts";

const store = await storeForTests();
const { db } = store;
const topUp = topUps(db);

let projects = 0;

async function heldCall(allocated: readonly bigint[], wantPico: bigint): Promise<ReservedCall> {
  const budgetIds: number[] = [];
  for (const allocatedPico of allocated) {
    const budget = { scope: "project", scopeId: String(projects++), allocatedPico, period: "none" } as const;
    budgetIds.push(await createBudget(db, budget, 0));
  }
  const held = reservations({ db, clock: systemClock, instance: "i", ttlMs: 60_000, onTrouble: noTrouble });
  const reserved = await held.reserve({ call: callOf({ budgetIds }), needPico: wantPico, wantPico });
  await held.close();
  assert.ok(reserved.granted);
  return reserved.call;
}

test("what is added comes out of every budget of the call, as much as all of them have, but never less than needed", async () => {
  for (const [allocated, more, granted] of [
    [[1_000n], { needPico: 10n, wantPico: 300n }, 300n],
    [[1_000n, 250n], { needPico: 10n, wantPico: 300n }, 150n],
    [[1_000n, 250n], { needPico: 151n, wantPico: 300n }, undefined],
    [[1_000n, 100n], { needPico: 1n, wantPico: 300n }, undefined],
    [[], { needPico: 10n, wantPico: 300n }, 300n],
  ] as const) {
    const call = await heldCall(allocated, 100n);
    assert.equal(await topUp(call, more), granted);
    const { amount_pico } = await db
      .selectFrom("reservations")
      .select("amount_pico")
      .where("id", "=", call.id)
      .executeTakeFirstOrThrow();
    assert.equal(BigInt(amount_pico), 100n + (granted ?? 0n));
    assert.deepEqual(await disagreements(db), []);
  }
});

test("a call that is settled holds nothing more, and what was added is given back with the rest", async () => {
  const call = await heldCall([1_000n], 100n);
  assert.equal(await topUp(call, { needPico: 50n, wantPico: 50n }), 50n);
  const { settle } = settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });
  await settle(settlementOf({ ...call, reservedPico: 150n }, { costPico: 7n }));
  assert.equal(await topUp(call, { needPico: 1n, wantPico: 1n }), undefined);
  const budget = await db.selectFrom("budgets").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([budget.spent_pico, budget.reserved_pico], ["7", "0"]);
});
