import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sql } from "kysely";
import { systemClock, VirtualClock } from "../lib/clock.ts";
import { isOutage } from "../store/outages.ts";
import { openPostgres } from "../store/postgres.ts";
import type { Db } from "../store/tables.ts";
import { missing, testPostgres } from "../store/testing.ts";
import { createBudget } from "./budgets.ts";
import { expireReservations } from "./expiry.ts";
import type { ReservedCall } from "./ledger.ts";
import { losing } from "./losing.testing.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, disagreements, noTrouble, settlementOf } from "./testing.ts";

const skip = missing("postgres");
const INSTANCES = 3;
const HISTORIES = 150;
const TTL_MS = 60_000;
const RESERVED_PICO = 1_000n;

/** A reservation. `isLost`: it was made, but its instance never heard so and turned the call away. */
type Life = { readonly owner: number; readonly isLost: boolean; readonly budgets: readonly number[] };

type Step = {
  readonly instance: number;
  readonly life: number;
  /** A beat extends what the instance holds, and gives back what it has lost. */
  readonly does: "settle" | "expire" | "beat";
  readonly costPico: bigint;
  /** False: the instance goes on at once. */
  readonly waits: boolean;
};

const lives = fc.array(
  fc.record<Life>({
    owner: fc.nat(INSTANCES - 1),
    isLost: fc.boolean(),
    budgets: fc.subarray([0, 1, 2]),
  }),
  { minLength: 1, maxLength: 6, size: "max" },
);
const steps = fc.array(
  fc.record<Step>({
    instance: fc.nat(INSTANCES - 1),
    life: fc.nat(5),
    does: fc.constantFrom("settle", "settle", "expire", "expire", "beat"),
    costPico: fc.bigInt(0n, 1_500n),
    waits: fc.boolean(),
  }),
  { minLength: 4, maxLength: 40, size: "max" },
);

test("settled, expired, extended and given back in any order and repetition, a reservation ends exactly once", {
  skip,
}, async (t) => {
  await using store = await testPostgres();
  const opened = await Promise.all(
    Array.from({ length: INSTANCES }, () =>
      openPostgres({ url: store.url, poolSize: 4, clock: systemClock }),
    ),
  );
  const budgets = await Promise.all(["1", "2", "3"].map((id) => budgetOf(store.db, id)));
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(lives, steps, async (lives, steps) => {
      taken += steps.length;
      const instances = opened.map(({ db }, index) => openInstance(db, index));
      const calls: ReservedCall[] = [];
      for (const { owner, isLost, budgets: indexes } of lives) {
        const budgetIds = indexes.map((index) => budgets[index]!);
        calls.push(await instances[owner]![isLost ? "lose" : "reserve"](budgetIds));
      }
      const live = async (instance: Instance, own: readonly Step[]): Promise<void> => {
        const begun: Promise<void>[] = [];
        for (const { does, life, costPico, waits } of own) {
          begun.push(instance[does](calls[life % calls.length]!, costPico));
          if (waits) await begun.at(-1);
        }
        await Promise.all(begun);
      };
      await Promise.all([
        ...instances.map((instance, index) =>
          live(
            instance,
            steps.filter((step) => step.instance === index),
          ),
        ),
        disagreements(store.db).then((found) => assert.deepEqual(found, [])),
      ]);
      for (const instance of instances) await instance.close();
      await sql`update reservations set expires_at = now()`.execute(store.db);
      await expireReservations(store.db, noTrouble);

      for (const [index, { id }] of calls.entries()) {
        const rows = await store.db.selectFrom("prompt_runs").selectAll().where("id", "=", id).execute();
        const found = rows.map((row) => `${row.usage_source} ${row.cost_pico}`);
        const allowed = endings(
          lives[index]!,
          steps.filter(({ life }) => life % calls.length === index),
        );
        assert.ok(allowed.includes(found.join()), `${found.join()} is none of ${allowed.join(" or ")}`);
      }
      assert.deepEqual(await disagreements(store.db), []);
      assert.deepEqual(await store.db.selectFrom("reservations").select("id").execute(), []);
    }),
    { numRuns: HISTORIES },
  );
  await Promise.all(opened.map(({ close }) => close()));
  assert.equal(await deadlocksIn(store.db), 0);
  t.diagnostic(`${HISTORIES} histories of ${taken} steps on ${INSTANCES} instances`);
});

/** The first to settle decides; a call that nobody settles costs what it held, unless it was turned away. */
function endings({ isLost }: Life, steps: readonly Step[]): readonly string[] {
  const settling = steps.filter(({ does }) => does === "settle");
  if (settling.length > 0) return settling.map(({ costPico }) => `reported ${costPico}`);
  return isLost ? [""] : [`reserved ${RESERVED_PICO}`];
}

type Doing = (call: ReservedCall, costPico: bigint) => Promise<void>;
type Instance = Readonly<Record<Step["does"], Doing>> & {
  reserve(budgetIds: readonly number[]): Promise<ReservedCall>;
  lose(budgetIds: readonly number[]): Promise<ReservedCall>;
  close(): Promise<void>;
};

/** Every trouble but a lost answer fails the test: a deadlock too. */
function openInstance(db: Db, index: number): Instance {
  const line = losing(db);
  const clock = new VirtualClock();
  const held = reservations({
    db: line.db,
    clock,
    instance: `gateway-${index}`,
    ttlMs: TTL_MS,
    onTrouble: noTrouble,
  });
  const settling = settlements({
    db,
    clock: systemClock,
    onSettled: held.forget,
    onTrouble: noTrouble,
  });
  const model = `gpt-${index}`;
  const request = (budgetIds: readonly number[]) => {
    const call = callOf({ budgetIds, userId: `usr_${budgetIds.length}` });
    return { call, needPico: RESERVED_PICO, wantPico: RESERVED_PICO };
  };
  return {
    async reserve(budgetIds) {
      const answer = await held.reserve(request(budgetIds));
      assert.ok(answer.granted);
      return answer.call;
    },
    async lose(budgetIds) {
      const lost = request(budgetIds);
      line.isLosing = true;
      await assert.rejects(held.reserve(lost), isOutage);
      line.isLosing = false;
      return { ...lost.call, reservedPico: RESERVED_PICO };
    },
    settle: (call, costPico) => settling.settle(settlementOf(call, { costPico, model })),
    async expire({ id }) {
      await sql`update reservations set expires_at = now() where id = ${id}::uuid`.execute(db);
      await expireReservations(db, noTrouble);
    },
    async beat() {
      clock.advance(TTL_MS / 3);
    },
    async close() {
      await settling.drain(TTL_MS);
      await held.close();
    },
  };
}

function budgetOf(db: Db, scopeId: string): Promise<number> {
  const budget = { scope: "project", scopeId, allocatedPico: 10n ** 12n, period: "none" } as const;
  return createBudget(db, budget, systemClock.now());
}

/** Read when the connections that could have met one have ended: they report at their end. */
async function deadlocksIn(db: Db): Promise<number> {
  const { rows } = await sql<{ deadlocks: number }>`
    select deadlocks::int as deadlocks from pg_stat_database where datname = current_database()`.execute(db);
  return rows[0]!.deadlocks;
}
