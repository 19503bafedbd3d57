import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { bookWith } from "../config/config.ts";
import { readSettings } from "../config/environment.ts";
import { readConfigFile } from "../config/file.ts";
import { identityDeps, tester } from "../identity/testing.ts";
import { DAY_MS, systemClock, utcDay } from "../lib/clock.ts";
import { fraction, seededChance, uuidv7 } from "../lib/ids.ts";
import { openPostgres } from "../store/postgres.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { costOf } from "./cost.ts";
import { expireReservations } from "./expiry.ts";
import { makePartitions } from "./partitions.ts";
import { ratesFrom } from "./rates.ts";
import { reprice } from "./reprice.ts";
import { reservations } from "./reserve.ts";
import { closeDays } from "./retention.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf, usageOf } from "./testing.ts";
import { checkBooks, driftOf } from "./verify.ts";

const skip = missing("postgres");

const bookOf = bookWith(readSettings({}), readConfigFile(undefined));
const listAt = (output: number) => ({ input: "2", output: String(output) });
const bookAt = (output: number) =>
  bookOf([
    { id: 1, provider: "openai", model: "gpt-5.1", rates: ratesFrom(listAt(output)), effectiveFromMs: 0 },
  ]);
const usage = usageOf({ input: 10, output: 10 });

test("calls settle, days close and prices are corrected by several at once, and no difference is posted twice", {
  skip,
}, async () => {
  await using store = await testPostgres();
  const { db, maintenance } = store;
  const { change } = identityDeps(maintenance, 1);
  const second = await openPostgres({ url: store.url, poolSize: 2, clock: systemClock });
  const closer = identityDeps(second.maintenance, 2);
  const chance = seededChance(8);
  const start = systemClock.now() - 20 * DAY_MS;
  for (const scopeId of ["1", "2", "3"]) {
    const budget = { scope: "project", scopeId, allocatedPico: 10n ** 15n, period: "none" } as const;
    await createBudget(db, budget, start);
  }
  for (const week of [0, 8, 16]) await makePartitions(maintenance, start + week * DAY_MS);
  const held = reservations({ db, clock: systemClock, instance: "one", ttlMs: 60_000, onTrouble: noTrouble });
  const { settle } = settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });
  let isRunning = true;
  let calls = 0;
  async function caller(): Promise<void> {
    while (isRunning) {
      const createdAtMs = start + Math.floor(fraction(chance) * 20) * DAY_MS;
      const budgetIds = [1, 2, 3].filter(() => fraction(chance) < 0.6);
      const call = callOf({ id: uuidv7(createdAtMs, chance), createdAtMs, budgetIds });
      const answer = await held.reserve({ call, needPico: 1_000n, wantPico: 1_000n });
      assert.ok(answer.granted);
      if (fraction(chance) < 0.1) {
        await sql`update reservations set expires_at = now() where id = ${call.id}::uuid`.execute(db);
        await expireReservations(db, noTrouble);
      }
      const costPico = costOf(usage, ratesFrom(listAt(30)));
      await settle(settlementOf(answer.call, { usage, costPico }));
      calls += 1;
    }
  }
  const callers = Promise.all(Array.from({ length: 16 }, caller));
  const period = { from: utcDay(start), to: utcDay(start + 20 * DAY_MS) };
  const correct = (output: number) =>
    reprice({ change, clock: systemClock }, tester, bookAt(output), { ...period, reason: "race" });
  let adjusted = 0;
  const correcting = [1, 2].map(async (runner) => {
    for (let round = 0; round < 8; round++) adjusted += (await correct(10 * runner + round)).adjusted;
  });
  const closing = (async () => {
    while (isRunning) {
      const deps = { db: second.maintenance, clock: systemClock, change: closer.change, onClosed: () => {} };
      await closeDays(deps, utcDay(start + 5 * DAY_MS));
    }
  })();
  const checking = (async () => {
    while (isRunning) assert.deepEqual(driftOf(await checkBooks(db)), []);
  })();
  await Promise.all(correcting);
  isRunning = false;
  await Promise.all([callers, closing, checking]);
  await held.close();
  await second.close();
  const last = await Promise.all([correct(50), correct(50)]);
  const rows = (await db.selectFrom("prompt_runs").select("id").execute()).length;
  assert.equal(last[0].adjusted + last[1].adjusted, rows);
  assert.ok(adjusted > 100 && rows > 100, `${calls} calls, ${adjusted} adjusted, ${rows} rows`);
  const { rows: views } = await sql<{ cost: string }>`
    select distinct adjusted_pico as cost from ledger_view`.execute(db);
  assert.deepEqual(views, [{ cost: costOf(usage, ratesFrom(listAt(50))).toString() }]);
  assert.deepEqual(driftOf(await checkBooks(maintenance)), []);
  const { rows: stats } = await sql<{ deadlocks: number }>`
    select deadlocks from pg_stat_database where datname = current_database()`.execute(db);
  assert.equal(stats[0]!.deadlocks, 0);
});
