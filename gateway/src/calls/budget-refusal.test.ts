import assert from "node:assert/strict";
import { test } from "node:test";
import { budgetStatus } from "../costs/budgets.ts";
import { grant, principal } from "../identity/testing.ts";
import { budgetRefusal, type RefusingBudget } from "./budget-refusal.ts";

const budget: RefusingBudget = {
  id: 7,
  scope: "project",
  scopeId: "3",
  period: "day",
  standing: budgetStatus(10n ** 12n, 0n, 3n * 10n ** 12n),
  resetAtMs: 86_400_000,
};
const about = { budget: "7", period: "day", resetAtMs: 86_400_000 };

test("a refusal says whose budget it is, what remains of it and when it begins anew", () => {
  for (const [scope, scopeId, id] of [
    ["project", "3", "3"],
    ["team", "4", "4"],
    ["user", "usr_ann", "usr_ann"],
    ["key", "1", grant().prefix],
  ] as const) {
    const { message, details } = budgetRefusal(principal({ key: grant() }), { ...budget, scope, scopeId });
    assert.ok(message.startsWith(`The budget of ${scope} ${id} does not hold this call.`), message);
    assert.deepEqual(details, { ...about, scope, id, remaining_usd: "2" });
  }
});

test("who signs in beside an app's key hears nothing of the app's money", () => {
  const guest = principal({ userId: "usr_bob", key: grant() });
  const { message, details } = budgetRefusal(guest, budget);
  assert.ok(message.startsWith("The budget does not hold this call."), message);
  assert.deepEqual(details, { ...about, scope: "project" });
});

test("a budget without a period does not say when it begins anew", () => {
  const { details } = budgetRefusal(principal(), { ...budget, period: "none", resetAtMs: undefined });
  assert.deepEqual(Object.keys(details), ["budget", "scope", "period", "id", "remaining_usd"]);
});
