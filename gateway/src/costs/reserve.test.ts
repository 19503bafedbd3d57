import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { VirtualClock } from "../lib/clock.ts";
import { isOutage } from "../store/outages.ts";
import type { Db } from "../store/tables.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import { losing } from "./losing.testing.ts";
import { type Reservations, type Reserved, reservations } from "./reserve.ts";
import { callOf, disagreements, noTrouble, storeForTests } from "./testing.ts";

const store = await storeForTests();

const TTL_MS = 60_000;

function keeper(db: Db, clock = new VirtualClock()): Reservations {
  return reservations({ db, clock, instance: "gateway-1", ttlMs: TTL_MS, onTrouble: noTrouble });
}

function budgetOf(db: Db, scopeId: string, allocatedPico: bigint): Promise<number> {
  return createBudget(db, { scope: "project", scopeId, allocatedPico, period: "none" }, 0);
}

const outcomeOf = (reserved: Reserved) => (reserved.granted ? reserved.call.reservedPico : reserved.budgetId);

test("a call without a budget is on record before it runs, with all that its ledger row will say", async () => {
  const call = callOf({ keyId: 7, model: "gpt-5.1" });
  const reserved = await keeper(store.db).reserve({ call, needPico: 5n, wantPico: 5n });
  assert.deepEqual(reserved, { granted: true, call: { ...call, reservedPico: 5n } });
  const row = await store.db.selectFrom("reservations").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([row.id, row.owner, row.amount_pico, row.budget_ids], [call.id, "gateway-1", "5", []]);
  assert.equal((row.call as { key_id: number }).key_id, 7);
  assert.equal(row.expires_at.getTime() - row.created_at.getTime(), TTL_MS);
});

test("calls that fit get what they want, the last ones what is left, the rest nothing", async () => {
  const keeping = keeper(store.db);
  const budget = await budgetOf(store.db, "1", 250n);
  const ask = () => ({ call: callOf({ budgetIds: [budget] }), needPico: 40n, wantPico: 100n });
  assert.equal(outcomeOf(await keeping.reserve(ask())), 100n);
  const together = await Promise.all([1, 2, 3].map(() => keeping.reserve(ask())));
  assert.deepEqual(together.map(outcomeOf), [100n, 50n, budget]);
  assert.deepEqual(outcomeOf(await keeping.reserve(ask())), budget);
  assert.deepEqual(await disagreements(store.db), []);
  assert.equal(keeping.inFlight(), 3);
});

test("a call takes from all its budgets or from none", async () => {
  const keeping = keeper(store.db);
  const [wide, narrow] = [await budgetOf(store.db, "1", 1_000n), await budgetOf(store.db, "2", 10n)];
  const call = callOf({ budgetIds: [wide, narrow] });
  assert.equal(outcomeOf(await keeping.reserve({ call, needPico: 11n, wantPico: 11n })), narrow);
  const rows = await store.db.selectFrom("budgets").select("reserved_pico").execute();
  assert.deepEqual(
    rows.map((row) => row.reserved_pico),
    ["0", "0"],
  );
  assert.equal(outcomeOf(await keeping.reserve({ call, needPico: 1n, wantPico: 11n })), 10n);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a budget that does not exist refuses", async () => {
  const call = callOf({ budgetIds: [4_711] });
  assert.equal(outcomeOf(await keeper(store.db).reserve({ call, needPico: 0n, wantPico: 0n })), 4_711);
});

test("only the calls in flight here are kept alive", async () => {
  const clock = new VirtualClock();
  const keeping = keeper(store.db, clock);
  const [held, forgotten] = [callOf(), callOf()];
  for (const call of [held, forgotten]) await keeping.reserve({ call, needPico: 1n, wantPico: 1n });
  await sql`update reservations set expires_at = now() + interval '1 second'`.execute(store.db);
  keeping.forget(forgotten.id);
  clock.advance(TTL_MS / 3);
  await keeping.close();
  const { rows } = await sql<{ id: string; extended: boolean }>`
    select id, expires_at > now() + interval '50 seconds' as extended from reservations`.execute(store.db);
  assert.deepEqual(
    new Map(rows.map(({ id, extended }) => [id, extended])),
    new Map([
      [held.id, true],
      [forgotten.id, false],
    ]),
  );
});

test("a heartbeat that fails is told, and the next one goes out", async () => {
  const clock = new VirtualClock();
  const troubles: unknown[] = [];
  const deps = { db: store.db, clock, instance: "gateway-1", ttlMs: TTL_MS };
  const keeping = reservations({ ...deps, onTrouble: (error) => troubles.push(error) });
  await keeping.reserve({ call: callOf(), needPico: 1n, wantPico: 1n });
  await sql`alter table reservations rename to elsewhere`.execute(store.db);
  clock.advance(TTL_MS / 3);
  while (troubles.length === 0) await sql`select 1`.execute(store.db);
  await sql`alter table elsewhere rename to reservations`.execute(store.db);
  await sql`update reservations set expires_at = now()`.execute(store.db);
  clock.advance(TTL_MS / 3);
  await keeping.close();
  const { rows } =
    await sql`select from reservations where expires_at > now() + interval '50 seconds'`.execute(store.db);
  assert.equal(rows.length, 1);
});

test("a call that was turned away because an answer was lost costs nothing, though its reservation ran out", async () => {
  const clock = new VirtualClock();
  const line = losing(store.db);
  const keeping = keeper(line.db, clock);
  const budgetIds = [await budgetOf(store.db, "1", 1_000n)];
  line.isLosing = true;
  const lost = keeping.reserve({ call: callOf({ budgetIds }), needPico: 10n, wantPico: 10n });
  await assert.rejects(lost, isOutage);
  line.isLosing = false;
  await sql`update reservations set expires_at = now()`.execute(store.db);
  assert.equal(await expireReservations(store.db, noTrouble), 1);
  clock.advance(TTL_MS / 3);
  await keeping.close();
  assert.deepEqual(await store.db.selectFrom("prompt_runs").select("id").execute(), []);
  const budget = await store.db.selectFrom("budgets").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([budget.spent_pico, budget.reserved_pico], ["0", "0"]);
  assert.deepEqual(await disagreements(store.db), []);
});

test("a reservation is given back however long the database was away before it appeared", async () => {
  const clock = new VirtualClock();
  const line = losing(store.db);
  const troubles: unknown[] = [];
  const deps = { db: line.db, clock, instance: "gateway-1", ttlMs: TTL_MS };
  const keeping = reservations({ ...deps, onTrouble: (error) => troubles.push(error) });
  const call = callOf();
  line.isLosing = true;
  await assert.rejects(keeping.reserve({ call, needPico: 10n, wantPico: 10n }), isOutage);
  await sql`update reservations set id = gen_random_uuid()`.execute(store.db);
  for (let beats = 1; beats <= 9; beats++) {
    clock.advance(TTL_MS / 3);
    while (troubles.length < beats) await sql`select 1`.execute(store.db);
  }
  line.isLosing = false;
  clock.advance(TTL_MS / 3);
  await sql`select 1`.execute(store.db);
  await sql`update reservations set id = ${call.id}::uuid`.execute(store.db);
  clock.advance(TTL_MS / 3);
  await keeping.close();
  assert.deepEqual(await store.db.selectFrom("reservations").select("id").execute(), []);
});

test("the same id is not reserved twice, and the first reservation stays", async () => {
  const clock = new VirtualClock();
  const keeping = keeper(store.db, clock);
  const request = { call: callOf(), needPico: 1n, wantPico: 1n };
  await keeping.reserve(request);
  await assert.rejects(keeping.reserve(request), { code: "23505" });
  clock.advance(TTL_MS / 3);
  await keeping.close();
  assert.equal((await store.db.selectFrom("reservations").select("id").execute()).length, 1);
});
