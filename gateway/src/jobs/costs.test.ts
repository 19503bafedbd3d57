import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sql } from "kysely";
import { expireReservations } from "../costs/expiry.ts";
import { reservations } from "../costs/reserve.ts";
import { closeDays } from "../costs/retention.ts";
import { settlements } from "../costs/settle.ts";
import { callOf, noTrouble, settlementOf } from "../costs/testing.ts";
import { identityDeps } from "../identity/testing.ts";
import { DAY_MS, systemClock, utcDay } from "../lib/clock.ts";
import { timeOfUuidv7 } from "../lib/ids.ts";
import { testStore } from "../store/testing.ts";
import { keepCosts, withCosts } from "./costs.ts";
import { endAttempt } from "./end-attempt.ts";
import { jobOf } from "./job.ts";
import { attemptsOf } from "./read.ts";
import { claimed, comeDue, enqueued, projectFor, quiet } from "./testing.ts";
import { wakeRetrying } from "./wake.ts";

const store = await testStore();
after(() => store.close());
const { db } = store;
const project = await projectFor(db);
const { settle } = settlements({ db, clock: systemClock, onSettled: () => {}, onTrouble: noTrouble });

/** A job with two attempts, and the ids of their calls. */
async function attempted(): Promise<{ id: number; calls: readonly string[] }> {
  const id = await enqueued(db, project);
  const error = { code: "PROVIDER_FAILED", message: "it broke" };
  const again = { status: "retrying", outcome: "failed", delayMs: 0, retryCount: 1, error } as const;
  for (const ending of [again, { status: "completed", result: "{}" } as const]) {
    await endAttempt({ db, ...quiet }, (await claimed(db))[0]!, ending);
    await comeDue(db, id);
    await wakeRetrying(db);
  }
  return { id, calls: (await attemptsOf(db, id)).map(({ callId }) => callId) };
}

async function charge(id: string, costPico: bigint): Promise<void> {
  await settle(settlementOf({ ...callOf({ id }), reservedPico: 5_000n }, { costPico }));
}

async function costsOf(id: number) {
  const row = await db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
  const [job] = await withCosts(db, [jobOf(row)]);
  const { actualPico, tokensInput, tokensOutput, tokensTotal } = job!;
  const attempts = (await attemptsOf(db, id)).map(({ costPico }) => costPico);
  return { actualPico, tokens: [tokensInput, tokensOutput, tokensTotal], attempts };
}

/** As re-pricing posts it. */
async function adjust(callId: string, delta: number): Promise<void> {
  await sql`
    insert into ledger_adjustments
      (day, call_id, line, delta_pico, price_source, price_id, rates, reason, posted_at, posted_by)
    select day, id, 0, ${delta}, 'operator', '1', '{}', 'test', now(), 'test' from prompt_runs
    where id = ${callId}::uuid`.execute(db);
}

test("a job costs what the ledger says of its attempts, whenever it comes to say it", async () => {
  const { id, calls } = await attempted();
  assert.deepEqual(await costsOf(id), { actualPico: 0n, tokens: [0, 0, 0], attempts: [null, null] });
  await charge(calls[1]!, 1_000n);
  assert.deepEqual(await costsOf(id), {
    actualPico: 1_000n,
    tokens: [100, 20, 120],
    attempts: [null, 1_000n],
  });
  await charge(calls[0]!, 2_000n);
  await adjust(calls[0]!, -500);
  assert.deepEqual(await costsOf(id), {
    actualPico: 2_500n,
    tokens: [200, 40, 240],
    attempts: [1_500n, 1_000n],
  });
});

test("a late settlement of an attempt that ran out replaces its cost", async () => {
  const { id, calls } = await attempted();
  const books = reservations({ db, clock: systemClock, instance: "x", ttlMs: 60_000, onTrouble: noTrouble });
  await books.reserve({ call: callOf({ id: calls[1]! }), needPico: 5_000n, wantPico: 5_000n });
  await books.close();
  await sql`update reservations set expires_at = now()`.execute(db);
  assert.equal(await expireReservations(db, noTrouble), 1);
  assert.equal((await costsOf(id)).actualPico, 5_000n);
  await charge(calls[1]!, 1_000n);
  assert.deepEqual(await costsOf(id), {
    actualPico: 1_000n,
    tokens: [100, 20, 120],
    attempts: [null, 1_000n],
  });
});

test("a job keeps its cost when the ledger closes the day of its attempts", async () => {
  const { id, calls } = await attempted();
  await charge(calls[0]!, 1_000n);
  await charge(calls[1]!, 1_000n);
  await adjust(calls[1]!, 700);
  const before = await costsOf(id);
  assert.equal(before.actualPico, 2_700n);
  const deps = { db, clock: systemClock, change: identityDeps(db, 1).change, onClosed: () => {} };
  const tomorrow = utcDay(timeOfUuidv7(calls[1]!) + DAY_MS);
  await closeDays({ ...deps, onClosing: keepCosts }, tomorrow);
  assert.deepEqual(await db.selectFrom("prompt_runs").select("id").execute(), []);
  assert.deepEqual(await costsOf(id), before);
});
