import assert from "node:assert/strict";
import { test } from "node:test";
import type { Noted } from "../telemetry/change.ts";
import { budgetIdsFor, createBudget } from "./budgets.ts";
import { moneyOfProjects } from "./project-money.ts";
import { type BudgetPatch, changeBudget } from "./set-budget.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();

const NOON = Date.UTC(2026, 2, 1, 12);
const DAY = 86_400_000;
const owner = { scope: "project", scopeId: "1" } as const;

async function change(patch: BudgetPatch, now = NOON): Promise<readonly Noted[]> {
  const noted: Noted[] = [];
  await store.db
    .transaction()
    .execute((tx) => changeBudget(tx, (event) => noted.push(event), owner, patch, now));
  return noted;
}

async function spend(pico: bigint): Promise<void> {
  await store.db
    .updateTable("budgets")
    .set({ spent_pico: String(pico) })
    .execute();
}

const rowsOfProjects = () =>
  store.db.selectFrom("budgets").selectAll().where("scope", "=", "project").execute();
const moneyAt = async (now = NOON) => (await moneyOfProjects(store.db, [1], now)).get(1);

test("a budget that is raised keeps what is spent of it", async () => {
  await change({ allocatedPico: 10n });
  await spend(4n);
  const noted = await change({ allocatedPico: 20n });
  assert.deepEqual(await moneyAt(), { budget: { allocatedPico: 20n, period: "none" }, actualPico: 4n });
  assert.deepEqual(noted, [
    {
      action: "budget.change",
      target: { type: "project", id: "1" },
      changes: { allocated_usd: ["0.00000000001", "0.00000000002"], period: ["none", "none"] },
    },
  ]);
});

test("a budget that is set to what it is changes nothing and leaves no entry", async () => {
  await change({ allocatedPico: 10n, period: "day" });
  for (const same of [{}, { allocatedPico: 10n }, { period: "day" } as const]) {
    assert.deepEqual(await change(same), []);
  }
  assert.deepEqual(await change({ allocatedPico: null }).then((noted) => noted.length), 1);
  assert.deepEqual(await change({ allocatedPico: null }), []);
});

test("another period begins a budget anew, and there is only the one", async () => {
  await change({ allocatedPico: 10n });
  await spend(4n);
  await change({ period: "month" });
  assert.deepEqual(await moneyAt(), { budget: { allocatedPico: 10n, period: "month" }, actualPico: 0n });
  assert.equal((await rowsOfProjects()).length, 1);
});

test("a period that is over counts no more, and what is set then holds for the next", async () => {
  await change({ allocatedPico: 10n, period: "day" });
  await spend(10n);
  assert.equal((await moneyAt(NOON + DAY))?.actualPico, 0n);
  await change({ allocatedPico: 30n }, NOON + DAY);
  const ids = { userId: "usr_ann", keyId: undefined, projectId: 1, teamId: undefined };
  const [id, ...others] = await budgetIdsFor(store.db, ids, NOON + DAY);
  const current = (await rowsOfProjects()).find((budget) => budget.id === id);
  assert.deepEqual([current?.allocated_pico, current?.spent_pico, others], ["30", "0", []]);
});

test("only this project's budget is changed", async () => {
  const other = { scope: "project", scopeId: "2", allocatedPico: 7n, period: "none" } as const;
  await createBudget(store.db, other, NOON);
  await createBudget(store.db, { ...other, scope: "team", scopeId: "1" }, NOON);
  await change({ allocatedPico: 10n, period: "week" });
  await change({ allocatedPico: null });
  assert.deepEqual(
    (await store.db.selectFrom("budgets").select(["scope", "scope_id"]).orderBy("scope").execute()).map(
      ({ scope, scope_id }) => `${scope} ${scope_id}`,
    ),
    ["project 2", "team 1"],
  );
});

test("a period of no budget is refused", async () => {
  await assert.rejects(change({ period: "day" }), { code: "VALIDATION_FAILED" });
});

test("a project without a budget shows what it has cost in all", async () => {
  const row = { user_id: "usr_ann", project_id: 1, operation: "chat", provider: "openai", model: "m" };
  const counts = { calls: 1, input_tokens: 1, cached_input_tokens: 0, output_tokens: 1 };
  for (const [day, cost] of [
    ["2026-01-01", "5"],
    ["2026-03-01", "7"],
  ] as const) {
    await store.db
      .insertInto("daily_costs")
      .values({ ...row, ...counts, day, cost_pico: cost, estimated_cost_pico: "0" })
      .execute();
  }
  assert.deepEqual(await moneyAt(), { budget: undefined, actualPico: 12n });
  assert.deepEqual((await moneyOfProjects(store.db, [2], NOON)).get(2)?.actualPico, 0n);
});
