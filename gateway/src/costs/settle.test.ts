import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { identityDeps, tester } from "../identity/testing.ts";
import { systemClock, utcDay, VirtualClock } from "../lib/clock.ts";
import { timeOfUuidv7 } from "../lib/ids.ts";
import type { Db } from "../store/tables.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import type { ReservedCall, Settlement } from "./ledger.ts";
import { type Reservations, reservations } from "./reserve.ts";
import { type Settlements, settlements } from "./settle.ts";
import { callOf, disagreements, noTrouble, settlementOf, storeForTests, usageOf } from "./testing.ts";
import { repairBooks } from "./verify.repair.ts";
import { checkBooks, driftOf } from "./verify.ts";

const store = await storeForTests();

type Books = Settlements & Reservations & { readonly troubles: readonly unknown[] };

function booksOf(db: Db, clock = new VirtualClock()): Books {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown) => void troubles.push(error);
  const keeping = reservations({ db, clock, instance: "gateway-1", ttlMs: 60_000, onTrouble });
  return { ...keeping, ...settlements({ db, clock, onSettled: keeping.forget, onTrouble }), troubles };
}

async function reserved(
  books: Books,
  fields: Partial<ReservedCall> = {},
  pico = 5_000n,
): Promise<ReservedCall> {
  const answer = await books.reserve({ call: callOf(fields), needPico: pico, wantPico: pico });
  assert.ok(answer.granted);
  return answer.call;
}

const budgetOf = (db: Db, allocatedPico = 1_000_000n) =>
  createBudget(db, { scope: "project", scopeId: "1", allocatedPico, period: "none" }, 0);
const runsOf = (db: Db) => db.selectFrom("prompt_runs").selectAll().orderBy("id").execute();

async function expireAll(db: Db): Promise<number> {
  await sql`update reservations set expires_at = now()`.execute(db);
  return expireReservations(db, noTrouble);
}

async function standing(db: Db): Promise<readonly string[]> {
  const row = await db.selectFrom("budgets").selectAll().executeTakeFirstOrThrow();
  return [row.spent_pico, row.reserved_pico];
}

test("a settled call is on the ledger, its cost is spent and its reservation is free again", async () => {
  const books = booksOf(store.db);
  const budget = await budgetOf(store.db);
  const call = await reserved(books, { budgetIds: [budget], keyId: 3, projectId: 1 });
  assert.equal(books.inFlight(), 1);
  await books.settle(settlementOf(call));
  const [row, ...others] = await runsOf(store.db);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [row?.id, row?.user_id, row?.key_id, row?.project_id, row?.cost_pico, row?.reserved_pico, row?.overrun],
    [call.id, "usr_ann", 3, 1, "1000", "5000", false],
  );
  assert.deepEqual([row?.input_tokens, row?.cached_input_tokens, row?.output_tokens], [100, 40, 20]);
  assert.deepEqual([row?.price_source, row?.price_id, row?.latency_ms], ["shipped", "openai/gpt-5.1", 12]);
  assert.equal((row?.rates as { output?: string } | undefined)?.output, "30000000");
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
  assert.deepEqual([books.inFlight(), books.waiting()], [0, 0]);
});

test("a provider that reports nothing leaves nulls on the ledger and no tokens in the roll-up", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books);
  await books.settle(settlementOf(call, { usage: undefined, usageSource: "estimated" }));
  const [row] = await runsOf(store.db);
  assert.deepEqual(
    [row?.input_tokens, row?.cached_input_tokens, row?.output_tokens, row?.usage],
    [null, null, null, null],
  );
  const daily = await store.db.selectFrom("daily_costs").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([daily.calls, daily.input_tokens, daily.estimated_cost_pico], [1, 0, "1000"]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a call that spent nothing gives its reservation back and leaves a row that says so", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books, { budgetIds: [await budgetOf(store.db)] });
  await books.settle(settlementOf(call, { usage: undefined, costPico: 0n, outcome: "failed", status: 502 }));
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => [row.outcome, row.cost_pico]),
    [["failed", "0"]],
  );
  assert.deepEqual(await standing(store.db), ["0", "0"]);
});

const linesOf = (db: Db) => db.selectFrom("prompt_run_lines").selectAll().orderBy("line").execute();

function inLines(call: ReservedCall, ...costsPico: readonly bigint[]): Settlement {
  const { provider, price } = call;
  const usage = usageOf({ input: 9, output: 1 });
  const lines = costsPico.map((costPico, index) => ({
    ...{ kind: index === 0 ? "answer" : "compaction", provider, model: `model-${index}` },
    ...{ usage, costPico, price, serviceTier: "priority" },
  }));
  return settlementOf(call, { lines, costPico: costsPico.reduce((a, b) => a + b) });
}

test("a call that is charged for several things has a line for each, and other calls have none", async () => {
  const books = booksOf(store.db);
  const [call, plain] = [await reserved(books), await reserved(books)];
  await Promise.all([
    books.settle(inLines(call, 700n, 300n)),
    books.settle(settlementOf(plain, { serviceTier: "flex", providerCostPico: 990n })),
  ]);
  const lines = await linesOf(store.db);
  assert.deepEqual(
    lines.map((line) => [line.id, line.line, line.kind, line.model, line.service_tier, line.cost_pico]),
    [
      [call.id, 1, "answer", "model-0", "priority", "700"],
      [call.id, 2, "compaction", "model-1", "priority", "300"],
    ],
  );
  assert.deepEqual(
    [lines[0]?.usage, lines[0]?.price_id],
    [usageOf({ input: 9, output: 1 }), "openai/gpt-5.1"],
  );
  const { rows } = await sql`
    select cost_pico, adjusted_pico, service_tier, provider_cost_pico from ledger_view order by id`.execute(
    store.db,
  );
  const same = { cost_pico: "1000", adjusted_pico: "1000" };
  assert.deepEqual(rows, [
    { ...same, service_tier: null, provider_cost_pico: null },
    { ...same, service_tier: "flex", provider_cost_pico: "990" },
  ]);
});

test("settling lines again changes nothing, and a late settlement brings the lines of an expired call", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books, { budgetIds: [await budgetOf(store.db)] });
  assert.equal(await expireAll(store.db), 1);
  await books.settle(inLines(call, 700n, 300n));
  await books.settle(inLines(call, 1n, 2n, 3n));
  assert.deepEqual(
    (await linesOf(store.db)).map(({ cost_pico }) => cost_pico),
    ["700", "300"],
  );
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
  assert.deepEqual(driftOf(await checkBooks(store.db)), []);
});

test("lines that are not what their call costs are drift, which no repair hides", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books);
  await books.settle(inLines(call, 700n, 300n));
  await sql`update prompt_run_lines set cost_pico = 301 where line = 2`.execute(store.db);
  const check = await checkBooks(store.db);
  assert.deepEqual(driftOf(check), [
    {
      scope: "prompt_runs",
      id: `${lineDay(call)}/${call.id}`,
      counter: "cost_pico",
      expected: "1001",
      found: "1000",
    },
  ]);
  assert.equal(await repairBooks(identityDeps(store.db, 1), tester, check), 0);
});

const lineDay = ({ id }: ReservedCall) => utcDay(timeOfUuidv7(id));

test("settling again changes nothing, in one batch or later", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books, { budgetIds: [await budgetOf(store.db)] });
  const again = settlementOf(call, { costPico: 4_000n });
  await Promise.all([books.settle(settlementOf(call)), books.settle(again), books.settle(again)]);
  await books.settle(again);
  await booksOf(store.db).settle(again);
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => row.cost_pico),
    ["1000"],
  );
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a bill above its reservation stands, is marked, and the next call is refused", async () => {
  const books = booksOf(store.db);
  const budgetIds = [await budgetOf(store.db, 6_000n)];
  const call = await reserved(books, { budgetIds });
  await books.settle(settlementOf(call, { costPico: 7_000n }));
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => [row.cost_pico, row.overrun]),
    [["7000", true]],
  );
  assert.deepEqual(await standing(store.db), ["7000", "0"]);
  const next = await books.reserve({ call: callOf({ budgetIds }), needPico: 0n, wantPico: 1n });
  assert.deepEqual(next, { granted: false, budgetId: budgetIds[0], unspentPico: -1000n });
});

test("a call that nobody settles is charged at its reservation", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books, { budgetIds: [await budgetOf(store.db)], keyId: 3 });
  assert.equal(await expireReservations(store.db, noTrouble), 0);
  assert.equal(await expireAll(store.db), 1);
  const [row] = await runsOf(store.db);
  assert.deepEqual(
    [row?.id, row?.key_id, row?.usage_source, row?.status, row?.outcome, row?.cost_pico, row?.input_tokens],
    [call.id, 3, "reserved", 599, "unsettled", "5000", null],
  );
  assert.deepEqual(row?.created_at.getTime(), call.createdAtMs);
  assert.deepEqual(await standing(store.db), ["5000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a late settlement replaces the charge of an expired call and corrects all that it moved", async () => {
  const books = booksOf(store.db);
  const call = await reserved(books, { budgetIds: [await budgetOf(store.db)] });
  await expireAll(store.db);
  await books.settle(settlementOf(call, { provider: "xai", model: "grok-4-1-fast" }));
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => [row.usage_source, row.cost_pico, row.model]),
    [["reported", "1000", "grok-4-1-fast"]],
  );
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
  await books.settle(settlementOf(call, { costPico: 3_000n }));
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
});

test("a call that expires after midnight stays on the day it began", async () => {
  const books = booksOf(store.db);
  const createdAtMs = Date.UTC(2026, 2, 1, 23, 59, 59, 999);
  const call = await reserved(books, { createdAtMs });
  await expireAll(store.db);
  await books.settle(settlementOf(call));
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => row.day),
    ["2026-03-01"],
  );
  assert.deepEqual(await disagreements(store.db), []);
});

test("a call without any reservation is charged all the same", async () => {
  const call = { ...callOf({ budgetIds: [await budgetOf(store.db)] }), reservedPico: 0n };
  await booksOf(store.db).settle(settlementOf(call));
  assert.deepEqual(await standing(store.db), ["1000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a settlement waits for a failing database, and is asked for less and less often", async () => {
  const clock = new VirtualClock();
  const books = booksOf(store.db, clock);
  const call = await reserved(books);
  await sql`alter table prompt_runs rename to elsewhere`.execute(store.db);
  const settled = books.settle(settlementOf(call));
  for (const [failures, retryMs] of [50, 100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
    while (books.troubles.length === failures) await sql`select 1`.execute(store.db);
    clock.advance(retryMs - 1);
    await sql`select 1`.execute(store.db);
    assert.equal(books.troubles.length, failures + 1);
    clock.advance(1);
  }
  assert.deepEqual([books.waiting(), books.inFlight()], [1, 1]);
  while (books.troubles.length === 8) await sql`select 1`.execute(store.db);
  await sql`alter table elsewhere rename to prompt_runs`.execute(store.db);
  clock.advance(2_000);
  await settled;
  assert.deepEqual([books.waiting(), books.inFlight()], [0, 0]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a settlement that the database refuses keeps nobody else waiting, and is tried again", async () => {
  const clock = new VirtualClock();
  const books = booksOf(store.db, clock);
  await sql`alter table prompt_runs add constraint uncursed check (model <> 'cursed')`.execute(store.db);
  const cursed = await reserved(books, { model: "cursed" });
  const calls = await Promise.all(Array.from({ length: 20 }, () => reserved(books)));
  const late = books.settle(settlementOf(cursed));
  await Promise.all(calls.map((call) => books.settle(settlementOf(call))));
  assert.deepEqual([books.waiting(), books.inFlight()], [1, 1]);
  assert.equal(books.troubles.length, 1);
  await sql`alter table prompt_runs drop constraint uncursed`.execute(store.db);
  clock.advance(30_000);
  await late;
  assert.equal((await runsOf(store.db)).length, 21);
  assert.deepEqual(await disagreements(store.db), []);
});

test("stopping waits for what is settled, and says what could not be", async () => {
  const clock = new VirtualClock();
  const books = booksOf(store.db, clock);
  const [first, second] = [await reserved(books), await reserved(books)];
  const settled = books.settle(settlementOf(first));
  assert.equal(await books.drain(5_000), 0);
  await settled;

  const stuck = booksOf(store.db, clock);
  await sql`alter table prompt_runs rename to elsewhere`.execute(store.db);
  const lost = stuck.settle(settlementOf(second));
  while (stuck.troubles.length === 0) await sql`select 1`.execute(store.db);
  const left = stuck.drain(40);
  clock.advance(40);
  assert.equal(await left, 1);
  clock.advance(10);
  await assert.rejects(lost, { code: "42704" });
  await sql`alter table elsewhere rename to prompt_runs`.execute(store.db);
});

test("an expired row that the database refuses keeps no other from expiring", async () => {
  const books = booksOf(store.db);
  await sql`alter table prompt_runs add constraint uncursed check (model <> 'cursed')`.execute(store.db);
  for (const model of ["a", "cursed", "b"]) await reserved(books, { model });
  await sql`update reservations set expires_at = now()`.execute(store.db);
  const troubles: unknown[] = [];
  assert.equal(await expireReservations(store.db, (error) => troubles.push(error)), 2);
  assert.equal(troubles.length, 1);
  assert.deepEqual(
    (await runsOf(store.db)).map((row) => row.model),
    ["a", "b"],
  );
  await sql`alter table prompt_runs drop constraint uncursed`.execute(store.db);
});

test("a thousand dead calls expire in one go", async () => {
  const books = booksOf(store.db, new VirtualClock(systemClock.now()));
  const budgetIds = [await budgetOf(store.db, 10_000_000n)];
  await Promise.all(Array.from({ length: 1_001 }, () => reserved(books, { budgetIds })));
  assert.equal(await expireAll(store.db), 1_001);
  assert.deepEqual(await standing(store.db), ["5005000", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
});
