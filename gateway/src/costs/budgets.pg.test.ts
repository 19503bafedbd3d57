import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY_MS, systemClock } from "../lib/clock.ts";
import { openPostgres } from "../store/postgres.ts";
import type { Db } from "../store/tables.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { budgetIdsFor, createBudget } from "./budgets.ts";
import { type BudgetPatch, changeBudget } from "./set-budget.ts";

const skip = missing("postgres");
const NOON = Date.UTC(2026, 2, 1, 12);
const ofProject = (projectId: number) => {
  return { userId: "usr_ann", keyId: undefined, projectId, teamId: undefined };
};

test("whoever comes first in a new period opens it once, also out of fifty calls on two instances", {
  skip,
}, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  for (let round = 1; round <= 20; round++) {
    await daily(store.db, round);
    const reads = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        budgetIdsFor((index % 2 === 0 ? store : second).db, ofProject(round), NOON + DAY_MS),
      ),
    );
    assert.equal(reads[0]!.length, 1);
    for (const read of reads) assert.deepEqual(read, reads[0]);
    assert.equal((await rowsOf(store.db, round)).length, 2);
  }
});

test("a budget that is removed while a new period begins does not come back", { skip }, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  for (let round = 1; round <= 60; round++) {
    await daily(store.db, round);
    await Promise.all([
      ...[1, 2, 3].map(() => budgetIdsFor(second.db, ofProject(round), NOON + DAY_MS)),
      change(store.db, round, { allocatedPico: null }),
    ]);
    assert.deepEqual(await rowsOf(store.db, round), [], `round ${round}`);
  }
});

test("what is allocated while a new period begins holds for it", { skip }, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  for (let round = 1; round <= 60; round++) {
    await daily(store.db, round);
    const [changed] = await Promise.all([
      change(store.db, round, { allocatedPico: 30n, ...(round % 2 === 0 ? {} : { period: "month" }) }),
      ...[1, 2, 3].map(() => budgetIdsFor(second.db, ofProject(round), NOON + DAY_MS)),
    ]);
    assert.equal(changed, undefined);
    const [id, ...others] = await budgetIdsFor(store.db, ofProject(round), NOON + DAY_MS);
    const current = (await rowsOf(store.db, round)).find((row) => row.id === id);
    assert.deepEqual([current?.allocated_pico, others], ["30", []], `round ${round}`);
  }
});

function daily(db: Db, project: number): Promise<number> {
  const budget = { scope: "project", scopeId: String(project), allocatedPico: 10n, period: "day" } as const;
  return createBudget(db, budget, NOON);
}

function change(db: Db, project: number, patch: BudgetPatch): Promise<void> {
  const owner = { scope: "project", scopeId: String(project) } as const;
  return db.transaction().execute((tx) => changeBudget(tx, () => {}, owner, patch, NOON + DAY_MS));
}

function rowsOf(db: Db, project: number) {
  return db.selectFrom("budgets").selectAll().where("scope_id", "=", String(project)).execute();
}

async function another(url: string) {
  const store = await openPostgres({ url, poolSize: 10, clock: systemClock });
  return { ...store, [Symbol.asyncDispose]: store.close };
}
