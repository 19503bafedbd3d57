import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { systemClock } from "../lib/clock.ts";
import { fraction, seededChance } from "../lib/ids.ts";
import { openPostgres } from "../store/postgres.ts";
import type { Store } from "../store/store.ts";
import type { Db } from "../store/tables.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import type { ReservedCall } from "./ledger.ts";
import { type Reservations, reservations } from "./reserve.ts";
import { type Settlements, settlements } from "./settle.ts";
import { callOf, disagreements, noTrouble, settlementOf } from "./testing.ts";

const skip = missing("postgres");
const TTL_MS = 60_000;

test("whatever the concurrency, a budget is used up and never passed", { skip }, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  const chance = seededChance(1);
  const narrow = await budgetOf(store.db, "1", 700_000n);
  const wide = await budgetOf(store.db, "2", 5_000_000n);
  const watched = watch(second.db, narrow);
  const calling = [gateway(store.db, "one"), gateway(second.db, "two")].map((books) =>
    Promise.all(
      Array.from({ length: 200 }, async () => {
        for (let calls = 0; calls < 10; calls++) {
          const call = callOf({ budgetIds: fraction(chance) < 0.5 ? [narrow, wide] : [wide, narrow] });
          const answer = await books.reserve({ call, needPico: 100n, wantPico: 1_000n });
          if (!answer.granted) continue;
          const share = BigInt(Math.round(300 + 700 * fraction(chance)));
          const costPico = (answer.call.reservedPico * share) / 1_000n;
          await books.settle(settlementOf(answer.call, { costPico }));
        }
      }),
    ).then(() => books.close()),
  );
  await Promise.all(calling);
  const most = await watched.stop();
  const { spent_pico, reserved_pico } = await second.db
    .selectFrom("budgets")
    .selectAll()
    .where("id", "=", narrow)
    .executeTakeFirstOrThrow();
  assert.equal(reserved_pico, "0");
  assert.ok(BigInt(spent_pico) >= 693_000n, `spent ${spent_pico} of 700000`);
  assert.ok(most <= 700_000n, `${most} spent and reserved at one moment`);
  assert.deepEqual(await disagreements(store.db), []);
});

test("two gateways that ask at the same moment never get more than there is", { skip }, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  const gateways = [gateway(store.db, "one"), gateway(second.db, "two")];
  for (let round = 0; round < 100; round++) {
    const budgetIds = [await budgetOf(store.db, String(round), 1_000n)];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        gateways[index % 2]!.reserve({ call: callOf({ budgetIds }), needPico: 100n, wantPico: 100n }),
      ),
    );
    assert.equal(answers.filter(({ granted }) => granted).length, 10);
  }
  await Promise.all(gateways.map((books) => books.close()));
  assert.deepEqual(await disagreements(store.db), []);
});

test("settling, expiring and repeating may meet in any order, and the books always agree", {
  skip,
}, async () => {
  await using store = await testPostgres();
  await using second = await another(store.url);
  const chance = seededChance(2);
  const budgets = [await budgetOf(store.db, "1", 10n ** 12n), await budgetOf(store.db, "2", 10n ** 12n)];
  const gateways = [gateway(store.db, "one"), gateway(second.db, "two")];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(fraction(chance) * items.length)]!;
  const settled = new Map<string, bigint>();
  const abandoned = new Map<string, bigint>();

  async function live(): Promise<void> {
    const budgetIds = budgets.filter(() => fraction(chance) < 0.6);
    const books = pick(gateways);
    const userId = pick(["usr_ann", "usr_bob", "usr_eve"]);
    const answer = await books.reserve({
      call: callOf({ budgetIds, userId }),
      needPico: 1_000n,
      wantPico: 1_000n,
    });
    assert.ok(answer.granted);
    const { call } = answer;
    const costPico = BigInt(Math.floor(fraction(chance) * 1_500));
    const settlement = settlementOf(call, { costPico, model: pick(["gpt-5.1", "gpt-5.1-mini"]) });
    const settle = () => books.settle(settlement);
    const end = pick(["settle", "repeat", "expire", "expire late", "race", "abandon"]);
    if (end === "abandon" || end === "expire late" || end === "expire")
      await expireOne(pick([store, second]), call);
    if (end === "race") await Promise.all([expireOne(pick([store, second]), call), settle(), settle()]);
    if (end === "expire late") await expireReservations(second.db, noTrouble);
    if (end === "abandon") abandoned.set(call.id, call.reservedPico);
    else settled.set(call.id, costPico);
    if (end !== "abandon" && end !== "race") await settle();
    if (end === "repeat") await Promise.all([settle(), pick(gateways).settle(settlement)]);
    books.forget(call.id);
  }

  let running = true;
  const expiring = [store, second].map(async ({ db }) => {
    while (running) await expireReservations(db, noTrouble);
  });
  const auditing = (async () => {
    while (running) assert.deepEqual(await disagreements(second.db), []);
  })();
  await Promise.all(
    Array.from({ length: 60 }, async () => {
      for (let calls = 0; calls < 25; calls++) await live();
    }),
  );
  running = false;
  await Promise.all([...expiring, auditing, ...gateways.map((books) => books.close())]);
  await expireReservations(store.db, noTrouble);

  const rows = await store.db.selectFrom("prompt_runs").select(["id", "cost_pico", "usage_source"]).execute();
  assert.equal(rows.length, 1_500);
  for (const { id, cost_pico, usage_source } of rows) {
    assert.equal(BigInt(cost_pico), settled.get(id) ?? abandoned.get(id));
    assert.equal(usage_source, settled.has(id) ? "reported" : "reserved");
  }
  assert.deepEqual(await disagreements(store.db), []);
  const left = await store.db.selectFrom("reservations").select("id").execute();
  assert.equal(left.length, 0);
});

/** Settlement and expiry of another process see nothing of these sets; every trouble fails the test. */
function gateway(db: Db, instance: string): Reservations & Settlements {
  const keeping = reservations({ db, clock: systemClock, instance, ttlMs: TTL_MS, onTrouble: noTrouble });
  const settling = settlements({ db, clock: systemClock, onSettled: keeping.forget, onTrouble: noTrouble });
  return { ...keeping, ...settling };
}

function budgetOf(db: Db, scopeId: string, allocatedPico: bigint): Promise<number> {
  return createBudget(db, { scope: "project", scopeId, allocatedPico, period: "none" }, systemClock.now());
}

async function another(url: string): Promise<Store & AsyncDisposable> {
  const store = await openPostgres({ url, poolSize: 10, clock: systemClock });
  return { ...store, [Symbol.asyncDispose]: store.close };
}

async function expireOne({ db }: Store, call: ReservedCall): Promise<void> {
  await sql`update reservations set expires_at = now() where id = ${call.id}`.execute(db);
}

/** Looks at a budget all the time; `stop` answers the most that was ever spent and reserved at one moment. */
function watch(db: Db, budgetId: number): { stop(): Promise<bigint> } {
  let watching = true;
  let most = 0n;
  const done = (async () => {
    while (watching) {
      const { rows } = await sql<{ used: string }>`
        select spent_pico + reserved_pico as used from budgets where id = ${budgetId}`.execute(db);
      const used = BigInt(rows[0]!.used);
      if (used > most) most = used;
    }
  })();
  return {
    async stop() {
      watching = false;
      await done;
      return most;
    },
  };
}
