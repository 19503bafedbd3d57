import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { sql } from "kysely";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import { announcer } from "../telemetry/notifier.outbox.ts";
import { announceCrossed } from "./alerts.ts";
import { createBudget } from "./budgets.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();
const { db } = store;
const clock = new VirtualClock();
const announce = announcer({ clock, chance: seededChance(1), always: ["mail"] });
const look = () => announceCrossed({ db, clock, announce });

beforeEach(async () => {
  await sql`truncate deliveries`.execute(db);
});

const budgetOf = (allocatedPico = 1_000n, scopeId = "1") =>
  createBudget(db, { scope: "project", scopeId, allocatedPico, period: "none" }, clock.now());
const spend = (pico: bigint, id = 1) =>
  db
    .updateTable("budgets")
    .set({ spent_pico: String(pico) })
    .where("id", "=", id)
    .execute();
const allocate = (pico: bigint) =>
  db
    .updateTable("budgets")
    .set({ allocated_pico: String(pico) })
    .execute();

/** Types of the events announced so far, oldest first; then they are gone. */
async function told(): Promise<readonly string[]> {
  const rows = await db.deleteFrom("deliveries").returning(["id", "event"]).execute();
  const inOrder = rows.toSorted((a, b) => a.id - b.id);
  return inOrder.map(({ event }) => (JSON.parse(event) as { type: string }).type.replace("budget.", ""));
}

test("each level is announced once when it is reached, and never again", async () => {
  await budgetOf();
  for (const [spent, types] of [
    [0n, []],
    [799n, []],
    [800n, ["warning"]],
    [949n, []],
    [950n, ["critical"]],
    [999n, []],
    [1_000n, ["exceeded"]],
    [5_000n, []],
  ] as const) {
    await spend(spent);
    await look();
    await look();
    assert.deepEqual(await told(), types, `${spent} spent`);
  }
});

test("levels that are crossed at once are all announced, the lowest first", async () => {
  await budgetOf();
  await spend(2_000n);
  assert.equal(await look(), 3);
  assert.deepEqual(await told(), ["warning", "critical", "exceeded"]);
});

test("a budget that was raised above a level is announced when it crosses it again", async () => {
  await budgetOf();
  await spend(1_000n);
  await look();
  await told();
  await allocate(1_200n);
  await look();
  assert.deepEqual(await told(), [], "83 %: still above the first level");
  await spend(1_200n);
  await look();
  assert.deepEqual(await told(), ["critical", "exceeded"]);
});

test("a correction of what is spent is no reason to announce a level twice", async () => {
  await budgetOf();
  await spend(850n);
  await look();
  await told();
  await spend(700n);
  await look();
  await spend(850n);
  await look();
  assert.deepEqual(await told(), []);
});

test("two instances that look at once announce each level once", async () => {
  for (let index = 1; index <= 20; index++) {
    await budgetOf(1_000n, String(index));
    await spend(1_000n, index);
  }
  const counts = await Promise.all([look(), look(), look(), look()]);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    60,
  );
  assert.equal((await told()).length, 60);
});

test("each period of a budget is announced by itself", async () => {
  const period = "day" as const;
  for (const day of [0, 1]) {
    const at = clock.now() + day * 86_400_000;
    await createBudget(db, { scope: "user", scopeId: "usr_ann", allocatedPico: 1_000n, period }, at);
  }
  await spend(800n, 1);
  await look();
  await spend(800n, 2);
  await look();
  assert.deepEqual(await told(), ["warning", "warning"]);
});

test("an event says whose budget it is and how far it is spent, exactly", async () => {
  await budgetOf(100_000_000_000_000n);
  await spend(80_000_000_000_001n);
  await look();
  const { event } = await db.selectFrom("deliveries").select("event").executeTakeFirstOrThrow();
  assert.deepEqual((JSON.parse(event) as { data: object }).data, {
    scope: "project",
    scope_id: "1",
    name: null,
    threshold_percent: 80,
    percentage_used: 80,
    allocated_usd: "100",
    spent_usd: "80.000000000001",
    remaining_usd: "19.999999999999",
    period: "none",
    period_start: null,
    budget_id: 1,
  });
});

test("a budget of nothing, of which nothing was spent, has crossed nothing", async () => {
  await budgetOf(0n);
  assert.equal(await look(), 0);
});

test("a look among some budgets tells of no other", async () => {
  await budgetOf();
  await spend(800n);
  assert.equal(await announceCrossed({ db, clock, announce, among: [2, 3] }), 0);
  assert.equal(await announceCrossed({ db, clock, announce, among: [1] }), 1);
});
