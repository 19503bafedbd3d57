import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../lib/clock.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, disagreements, noTrouble, settlementOf } from "./testing.ts";
import { topUps } from "./top-up.ts";

const skip = missing("postgres");

test("whatever calls add at once, no budget gives more than it has, and nobody waits for ever", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db } = store;
  const budgetIds: number[] = [];
  for (const scopeId of ["1", "2", "3"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 30_000n, period: "none" } as const;
    budgetIds.push(await createBudget(db, budget, 0));
  }
  const held = reservations({ db, clock: systemClock, instance: "i", ttlMs: 60_000, onTrouble: noTrouble });
  const { settle } = settlements({ db, clock: systemClock, onSettled: held.forget, onTrouble: noTrouble });
  const topUp = topUps(db);
  let refused = 0;
  const one = async (_: unknown, index: number): Promise<void> => {
    const ids = budgetIds.filter((id) => (id + index) % 3 !== 0).toReversed();
    const reserved = await held.reserve({ call: callOf({ budgetIds: ids }), needPico: 100n, wantPico: 100n });
    if (!reserved.granted) return;
    let { reservedPico } = reserved.call;
    for (let count = 0; count < 3; count++) {
      const more = await topUp(reserved.call, { needPico: 200n, wantPico: 400n });
      if (more === undefined) refused += 1;
      else reservedPico += more;
    }
    if (index % 2 === 0)
      await settle(settlementOf({ ...reserved.call, reservedPico }, { costPico: reservedPico }));
  };
  await Promise.all(Array.from({ length: 120 }, one));
  await held.close();
  assert.ok(refused > 0);
  assert.deepEqual(await disagreements(db), []);
  for (const { allocated_pico, spent_pico, reserved_pico } of await db
    .selectFrom("budgets")
    .selectAll()
    .execute()) {
    assert.ok(BigInt(spent_pico) + BigInt(reserved_pico) <= BigInt(allocated_pico));
  }
});
