import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type RawBuilder, sql } from "kysely";
import { identityDeps, tester } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import type { Settlement } from "./ledger.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf, storeForTests } from "./testing.ts";
import { repairBooks } from "./verify.repair.ts";
import { checkBooks, driftOf } from "./verify.ts";
import { watchBooks } from "./verify.watch.ts";

const store = await storeForTests();
const { db } = store;
const { change } = identityDeps(db, 1);
const DAYS = [0, 1, 2].map((day) => Date.UTC(2026, 2, 10 + day, 12));

function books(clock = new VirtualClock()) {
  const held = reservations({ db, clock, instance: "gateway", ttlMs: 60_000, onTrouble: noTrouble });
  return { ...held, ...settlements({ db, clock, onSettled: held.forget, onTrouble: noTrouble }) };
}

/** Calls on three days under two budgets: settled, expired, and one that still runs. */
async function someHistory(): Promise<void> {
  const chance = seededChance(3);
  for (const scopeId of ["1", "2"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 10n ** 9n, period: "none" } as const;
    await createBudget(db, budget, DAYS[0]!);
  }
  const { reserve, settle } = books();
  const made = async (fields: Partial<Settlement>) => {
    const call = callOf({ budgetIds: [1, 2], keyId: 7, ...fields });
    const answer = await reserve({ call, needPico: 5_000n, wantPico: 5_000n });
    assert.ok(answer.granted);
    return answer.call;
  };
  for (const day of DAYS)
    await settle(settlementOf(await made({ id: uuidv7(day, chance), createdAtMs: day })));
  await settle(
    settlementOf(await made({ model: "sim-echo" }), { usageSource: "estimated", usage: undefined }),
  );
  await made({ budgetIds: [2] });
  await sql`update reservations set expires_at = now()`.execute(db);
  assert.equal(await expireReservations(db, noTrouble), 1);
  await made({ budgetIds: [1] });
}

const drift = async () => driftOf(await checkBooks(db));

/** Every way to falsify one counter, by hand. */
const edits: Readonly<Record<string, RawBuilder<unknown>>> = {
  "spent_pico up": sql`update budgets set spent_pico = spent_pico + 1 where id = 1`,
  "spent_pico down": sql`update budgets set spent_pico = spent_pico - 1 where id = 2`,
  "reserved_pico up": sql`update budgets set reserved_pico = reserved_pico + 999 where id = 1`,
  "reserved_pico to nothing": sql`update budgets set reserved_pico = 0 where id = 1`,
  calls: sql`update daily_costs set calls = calls + 1 where day = '2026-03-11'`,
  input_tokens: sql`update daily_costs set input_tokens = 0 where day = '2026-03-10'`,
  cached_input_tokens: sql`update daily_costs set cached_input_tokens = 41 where day = '2026-03-10'`,
  output_tokens: sql`update daily_costs set output_tokens = output_tokens - 1 where day = '2026-03-12'`,
  cost_pico: sql`update daily_costs set cost_pico = cost_pico - 1 where model = 'sim-echo'`,
  estimated_cost_pico: sql`update daily_costs set estimated_cost_pico = 0 where model = 'sim-echo'`,
  "a roll-up lost": sql`delete from daily_costs where day = '2026-03-10'`,
  "a roll-up invented": sql`insert into daily_costs values ('2026-03-01', 'usr_x', null, null, 'chat', 'p', 'm', 1, 2, 3, 4, 5, 6)`,
  "a ledger row lost": sql`delete from prompt_runs where day = '2026-03-11'`,
  "a ledger row changed": sql`update prompt_runs set cost_pico = cost_pico * 2 where day = '2026-03-11'`,
  "a reservation lost": sql`delete from reservations`,
};

for (const [name, edit] of Object.entries(edits)) {
  test(`what was edited by hand is found and repaired: ${name}`, async () => {
    await someHistory();
    assert.deepEqual(await drift(), []);
    await edit.execute(db);
    const check = await checkBooks(db);
    const found = driftOf(check);
    assert.ok(found.length > 0);
    assert.equal(await repairBooks({ change }, tester, check), found.length);
    assert.deepEqual(await drift(), []);
  });
}

test("a finding names the counter, what it should be and what it is, and the repair is in the audit log", async () => {
  await someHistory();
  await sql`update budgets set spent_pico = 17 where id = 2`.execute(db);
  const check = await checkBooks(db);
  assert.deepEqual(driftOf(check), [
    { scope: "project", id: "2 (budget 2)", counter: "spent_pico", expected: "9000", found: "17" },
  ]);
  await repairBooks({ change }, tester, check);
  const { entry } = await db
    .selectFrom("audit_entries")
    .select("entry")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirstOrThrow();
  const { action, changes } = JSON.parse(entry) as { action: string; changes: object };
  assert.equal(action, "books.repair");
  assert.deepEqual(changes, { "project 2 (budget 2) spent_pico": ["17", "9000"] });
});

test("calls between check and repair are neither lost nor counted twice", async () => {
  await someHistory();
  for (const edit of Object.values(edits).slice(0, 10)) await edit.execute(db);
  const check = await checkBooks(db);
  const { reserve, settle } = books();
  for (const model of ["gpt-5.1", "sim-echo", "new-model"]) {
    const call = callOf({ budgetIds: [1, 2], keyId: 7, model });
    const answer = await reserve({ call, needPico: 5_000n, wantPico: 5_000n });
    assert.ok(answer.granted);
    if (model !== "new-model") await settle(settlementOf(answer.call));
  }
  await repairBooks({ change }, tester, check);
  assert.deepEqual(await drift(), []);
});

test("of two repairs of the same finding one repairs, and the other leaves the books alone", async () => {
  await someHistory();
  for (const name of ["spent_pico up", "calls"]) {
    await edits[name]!.execute(db);
    const checks = [await checkBooks(db), await checkBooks(db)];
    const repaired = await Promise.all(checks.map((check) => repairBooks({ change }, tester, check)));
    assert.deepEqual(repaired.map(Boolean).toSorted(), [false, true]);
    assert.deepEqual(await drift(), []);
  }
});

test("whatever is reserved, settled, expired and settled late, the books never drift", async () => {
  const ends = fc.constantFrom("settle", "twice", "expire", "late", "open", "race");
  const call = fc.record({
    end: ends,
    budgets: fc.subarray([1, 2, 3]),
    cost: fc.integer({ min: 0, max: 9_000 }),
    day: fc.constantFrom(...DAYS),
    model: fc.constantFrom("gpt-5.1", "sim-echo"),
    usageSource: fc.constantFrom("reported" as const, "partial" as const, "estimated" as const),
  });
  const chance = seededChance(9);
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 12 }), async (calls) => {
      await sql`truncate budgets, budget_alerts, reservations, prompt_runs, daily_costs restart identity`.execute(
        db,
      );
      for (const scopeId of ["1", "2", "3"]) {
        const budget = { scope: "team", scopeId, allocatedPico: 10n ** 9n, period: "none" } as const;
        await createBudget(db, budget, DAYS[0]!);
      }
      const { reserve, settle } = books();
      await Promise.all(
        calls.map(async ({ end, budgets, cost, day, model, usageSource }) => {
          const wanted = callOf({ id: uuidv7(day, chance), createdAtMs: day, budgetIds: budgets, model });
          const answer = await reserve({ call: wanted, needPico: 5_000n, wantPico: 5_000n });
          assert.ok(answer.granted);
          const settlement = settlementOf(answer.call, { costPico: BigInt(cost), usageSource });
          const expire = async () => {
            await sql`update reservations set expires_at = now() where id = ${wanted.id}::uuid`.execute(db);
            await expireReservations(db, noTrouble);
          };
          if (end === "settle" || end === "twice") await settle(settlement);
          if (end === "twice") await settle(settlement);
          if (end === "expire" || end === "late") await expire();
          if (end === "late") await settle(settlement);
          if (end === "race") await Promise.all([expire(), settle(settlement)]);
          assert.deepEqual(await drift(), []);
        }),
      );
      assert.deepEqual(await drift(), []);
    }),
    { numRuns: 25 },
  );
});

test("the look at a start compares the last two days, and only budgets that are younger", async () => {
  await someHistory();
  for (const name of ["calls", "spent_pico up", "reserved_pico up"]) await edits[name]!.execute(db);
  const clock = new VirtualClock(DAYS[2]! + 86_400_000);
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const stop = watchBooks({
    db,
    clock,
    onChecked: (check) => resolve(driftOf(check).map(({ counter }) => counter)),
    onTrouble: noTrouble,
  });
  assert.deepEqual(await promise, ["reserved_pico"]);
  await stop();
});

test("a look compares what budgets have spent that began within it", async () => {
  await someHistory();
  await createBudget(
    db,
    { scope: "user", scopeId: "usr_ann", allocatedPico: 10n ** 9n, period: "none" },
    DAYS[1]!,
  );
  await sql`update budgets set spent_pico = 5 where scope = 'user'`.execute(db);
  const since = async (sinceDay: string) => driftOf(await checkBooks(db, { sinceDay })).map(({ id }) => id);
  assert.deepEqual(await since("2026-03-10"), ["usr_ann (budget 3)"]);
  assert.deepEqual(await since("2026-03-11"), []);
});

test("a look whose time is up says that it is not whole", async () => {
  await someHistory();
  const clock = new VirtualClock();
  const { isWhole, checked } = await checkBooks(db, { until: { clock, atMs: 0 } });
  assert.deepEqual([isWhole, checked], [false, 0]);
});
