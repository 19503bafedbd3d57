import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { budgetsById, findBudget } from "./budgets.read.ts";
import { budgetIdsFor, budgetStatus, createBudget, periodEnd, periodStart } from "./budgets.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();

test("a budget warns from 80 %, is critical from 95 % and exceeded from 100 %", () => {
  const statusAt = (spent: bigint) => budgetStatus(spent, 0n, 10_000n).status;
  assert.deepEqual([0n, 7_999n, 8_000n, 9_499n, 9_500n, 9_999n, 10_000n, 12_000n].map(statusAt), [
    "ok",
    "ok",
    "warning",
    "warning",
    "critical",
    "critical",
    "exceeded",
    "exceeded",
  ]);
});

test("what is spent and what remains make up what was allocated, whatever is reserved", () => {
  fc.assert(
    fc.property(
      fc.bigInt(0n, 10n ** 20n),
      fc.bigInt(0n, 10n ** 20n),
      fc.bigInt(0n, 10n ** 20n),
      (spent, held, all) => {
        const standing = budgetStatus(spent, held, all);
        assert.equal(standing.spentPico + standing.remainingPico, all);
        assert.equal(standing.status === "exceeded", spent >= all);
        assert.ok(Number.isFinite(standing.percentageUsed));
      },
    ),
  );
  assert.deepEqual(budgetStatus(1n, 2n, 3n), {
    status: "ok",
    spentPico: 1n,
    reservedPico: 2n,
    remainingPico: 2n,
    percentageUsed: 33.33,
  });
});

test("of nothing, everything is spent", () => {
  assert.deepEqual(budgetStatus(0n, 0n, 0n).status, "exceeded");
  assert.deepEqual(budgetStatus(0n, 0n, 0n).percentageUsed, 100);
});

test("periods begin at midnight UTC, weeks on Monday", () => {
  const sunday = Date.UTC(2026, 2, 1, 23, 59);
  assert.equal(periodStart("day", sunday).toISOString(), "2026-03-01T00:00:00.000Z");
  assert.equal(periodStart("week", sunday).toISOString(), "2026-02-23T00:00:00.000Z");
  assert.equal(periodStart("month", sunday).toISOString(), "2026-03-01T00:00:00.000Z");
  assert.equal(periodStart("week", sunday + 60_000).toISOString(), "2026-03-02T00:00:00.000Z");
});

test("a period ends when the next one begins, over the ends of months and years and a leap day", () => {
  const lastOfYear = Date.UTC(2027, 11, 31, 23, 59, 59, 999);
  assert.equal(periodEnd("day", lastOfYear).toISOString(), "2028-01-01T00:00:00.000Z");
  assert.equal(periodEnd("week", lastOfYear).toISOString(), "2028-01-03T00:00:00.000Z");
  assert.equal(periodEnd("month", lastOfYear).toISOString(), "2028-01-01T00:00:00.000Z");
  assert.equal(periodEnd("day", Date.UTC(2028, 1, 28)).toISOString(), "2028-02-29T00:00:00.000Z");
  assert.equal(periodEnd("month", Date.UTC(2028, 0, 31)).toISOString(), "2028-02-01T00:00:00.000Z");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.constantFrom("day", "week", "month"), (at, period) => {
      const end = periodEnd(period, at).getTime();
      assert.ok(periodStart(period, at).getTime() <= at && at < end);
      assert.equal(periodStart(period, end).getTime(), end);
    }),
  );
});

const NOW = Date.UTC(2026, 2, 1, 12);
const DAY = 86_400_000;
const ann = { userId: "usr_ann", keyId: undefined, projectId: 1, teamId: undefined };

test("a call is under the budgets of its user, key, project and team, and of nobody else", async () => {
  const budget = (scope: "user" | "key" | "project" | "team", scopeId: string) =>
    createBudget(store.db, { scope, scopeId, allocatedPico: 10n, period: "none" }, NOW);
  const project = await budget("project", "1");
  const user = await budget("user", "usr_ann");
  const key = await budget("key", "5");
  const team = await budget("team", "1");
  await budget("user", "usr_bob");
  assert.deepEqual(await budgetIdsFor(store.db, ann, NOW), [project, user]);
  assert.deepEqual(await budgetIdsFor(store.db, { ...ann, keyId: 5, teamId: 1 }, NOW), [
    project,
    user,
    key,
    team,
  ]);
  assert.deepEqual(await budgetIdsFor(store.db, { ...ann, userId: "usr_eve", projectId: 2 }, NOW), []);
  await assert.rejects(budget("project", "1"), { code: "23505" });
});

test("a budget with a period begins again with each, also when many ask at once", async () => {
  const daily = await createBudget(
    store.db,
    { scope: "project", scopeId: "1", allocatedPico: 10n, period: "day" },
    NOW,
  );
  const monthly = await createBudget(
    store.db,
    { scope: "project", scopeId: "1", allocatedPico: 90n, period: "month" },
    NOW,
  );
  assert.deepEqual(await budgetIdsFor(store.db, ann, NOW), [daily, monthly]);
  const next = await Promise.all([1, 2, 3].map(() => budgetIdsFor(store.db, ann, NOW + DAY)));
  assert.equal(next[0]?.length, 2);
  assert.deepEqual(next[1], next[0]);
  assert.deepEqual(next[2], next[0]);
  assert.ok(next[0]?.includes(monthly) && !next[0].includes(daily));
  const rows = await store.db
    .selectFrom("budgets")
    .selectAll()
    .where("period", "=", "day")
    .orderBy("period_start")
    .execute();
  assert.deepEqual(
    rows.map((row) => [row.period_start?.getTime(), row.allocated_pico]),
    [
      [Date.UTC(2026, 2, 1), "10"],
      [Date.UTC(2026, 2, 2), "10"],
    ],
  );
});

test("a budget whose period is over is shown as begun anew, before any call begins it", async () => {
  const owner = { scope: "project", scopeId: "1" } as const;
  const id = await createBudget(store.db, { ...owner, allocatedPico: 10n, period: "day" }, NOW);
  await store.db.updateTable("budgets").set({ spent_pico: "9", reserved_pico: "1" }).execute();
  const today = await findBudget(store.db, owner, NOW);
  assert.deepEqual(
    [today?.spentPico, today?.reservedPico, today?.standing.status, today?.resetAtMs],
    [9n, 1n, "warning", Date.UTC(2026, 2, 2)],
  );
  const tomorrow = await findBudget(store.db, owner, NOW + DAY);
  assert.deepEqual(
    [tomorrow?.spentPico, tomorrow?.reservedPico, tomorrow?.standing.remainingPico, tomorrow?.resetAtMs],
    [0n, 0n, 10n, Date.UTC(2026, 2, 3)],
  );
  assert.deepEqual(await budgetsById(store.db, [id], NOW), [today]);
  assert.equal(await findBudget(store.db, { scope: "team", scopeId: "1" }, NOW), undefined);
});
