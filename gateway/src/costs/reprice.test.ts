import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { bookWith } from "../config/config.ts";
import { readSettings } from "../config/environment.ts";
import { readConfigFile } from "../config/file.ts";
import { identityDeps, tester } from "../identity/testing.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance, uuidv7 } from "../lib/ids.ts";
import { createBudget } from "./budgets.ts";
import { costOf } from "./cost.ts";
import { expireReservations } from "./expiry.ts";
import type { LedgerLine, Settlement } from "./ledger.ts";
import type { OperatorPrice, PriceBook } from "./prices.ts";
import { ratesFrom } from "./rates.ts";
import { costReport } from "./reports.period.ts";
import { type RepricedCalls, reprice, repriceDry } from "./reprice.ts";
import { reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf, storeForTests, usageOf } from "./testing.ts";
import { checkBooks, driftOf } from "./verify.ts";

const store = await storeForTests();
const { db } = store;
const { change, clock } = identityDeps(db, 1);
const { settle } = settlements({ db, clock: new VirtualClock(), onSettled: () => {}, onTrouble: noTrouble });
const chance = seededChance(6);

const NOON = Date.UTC(2026, 2, 10, 12);
const march: RepricedCalls = { from: "2026-03-01", to: "2026-03-31" };
const usage = usageOf({ input: 1_000, cacheRead: 400, output: 50 });
const charged = ratesFrom({ input: "10", cachedInput: "1", output: "30" });
const COST = costOf(usage, charged);

const bookOf = bookWith(readSettings({}), readConfigFile(undefined));

/** A book in which gpt-5.1 costs this since 2026. */
function bookAt(input: string, output: string, fields: Partial<OperatorPrice> = {}): PriceBook {
  const rates = ratesFrom({ input, output });
  const since = Date.UTC(2026, 0, 1);
  return bookOf([{ id: 8, provider: "openai", model: "gpt-5.1", rates, effectiveFromMs: since, ...fields }]);
}

async function called(fields: Partial<Settlement> = {}): Promise<string> {
  const createdAtMs = fields.createdAtMs ?? NOON;
  const id = uuidv7(createdAtMs, chance);
  const call = { ...callOf({ id, createdAtMs, ...fields }), reservedPico: 0n };
  await settle(settlementOf(call, { usage, costPico: COST, ...fields }));
  return id;
}

const repriceAll = (book: PriceBook, chosen = march) =>
  reprice({ change, clock }, tester, book, { ...chosen, reason: "corrected" });
const drift = async () => driftOf(await checkBooks(db));
const spentOf = async (id: number) =>
  BigInt(
    (await db.selectFrom("budgets").select("spent_pico").where("id", "=", id).executeTakeFirstOrThrow())
      .spent_pico,
  );
const budget = () =>
  createBudget(db, { scope: "project", scopeId: "1", allocatedPico: 10n ** 12n, period: "none" }, NOON);

test("what was charged without a price is shown as such until it is priced, in lines, rows and expired calls", async () => {
  const unpriced = { ...callOf().price, source: "default" as const };
  await called({ price: unpriced, projectId: 1 });
  const line = { ...callOf(), kind: "answer", usage, costPico: COST };
  await called({ lines: [line, { ...line, price: unpriced }], costPico: 2n * COST, projectId: 1 });
  const books = reservations({ db, clock, instance: "x", ttlMs: 60_000, onTrouble: noTrouble });
  const held = callOf({ id: uuidv7(NOON, chance), createdAtMs: NOON, price: unpriced, projectId: 1 });
  await books.reserve({ call: held, needPico: 7n, wantPico: 7n });
  await books.close();
  await sql`update reservations set expires_at = now()`.execute(db);
  await expireReservations(db, noTrouble);
  const unpricedNow = async () => {
    const { total } = await costReport(db, { kind: "project", id: 1 }, ["2026-03-10"]);
    return [total.unpricedPico, total.costPico];
  };
  assert.deepEqual(await unpricedNow(), [2n * COST + 7n, 3n * COST + 7n]);

  const book = bookAt("10", "30", { rates: charged });
  assert.equal((await repriceAll(book)).adjusted, 2);
  assert.deepEqual(await unpricedNow(), [7n, 3n * COST + 7n]);
  assert.equal((await repriceAll(book)).adjusted, 0);
  assert.deepEqual(await drift(), []);
});

test("a corrected price moves what calls cost, in reports and budgets, and leaves their rows as they are", async () => {
  const budgetId = await budget();
  const id = await called({ budgetIds: [budgetId] });
  const before = await db.selectFrom("prompt_runs").selectAll().execute();
  const book = bookAt("2", "8");
  const done = await repriceAll(book);
  const cost = 1_000n * 2_000_000n + 50n * 8_000_000n;
  assert.deepEqual(done, { calls: 1, adjusted: 1, skipped: 0, deltaPico: cost - COST });
  assert.deepEqual(await db.selectFrom("prompt_runs").selectAll().execute(), before);
  assert.equal(await spentOf(budgetId), cost);
  const daily = await db.selectFrom("daily_costs").selectAll().executeTakeFirstOrThrow();
  assert.deepEqual([daily.calls, daily.input_tokens, daily.cost_pico], [1, 1_000, cost.toString()]);
  const { rows } = await sql`select cost_pico, adjusted_pico from ledger_view where id = ${id}`.execute(db);
  assert.deepEqual(rows, [{ cost_pico: COST.toString(), adjusted_pico: cost.toString() }]);
  const [adjustment] = await db.selectFrom("ledger_adjustments").selectAll().execute();
  assert.deepEqual(
    [adjustment?.price_source, adjustment?.price_id, adjustment?.reason, adjustment?.posted_by],
    ["operator", "8", "corrected", "test"],
  );
  assert.deepEqual(await drift(), []);
});

test("pricing again twice posts once, and one audit entry tells of it", async () => {
  await called();
  const entries = async () =>
    (await db.selectFrom("audit_entries").select("entry").orderBy("seq").execute())
      .map(({ entry }) => JSON.parse(entry) as { action: string; changes: object; reason: string })
      .filter(({ action }) => action === "ledger.reprice");
  const earlier = (await entries()).length;
  const book = bookAt("20", "60");
  assert.equal((await repriceAll(book)).adjusted, 1);
  assert.deepEqual(await repriceAll(book), { calls: 1, adjusted: 0, skipped: 0, deltaPico: 0n });
  const [entry, ...others] = (await entries()).slice(earlier);
  assert.deepEqual([entry?.reason, others.length], ["corrected", 0]);
  assert.deepEqual(entry?.changes, {
    from: [null, "2026-03-01"],
    to: [null, "2026-03-31"],
    calls: [null, 1],
    adjusted: [null, 1],
    skipped: [null, 0],
    delta_usd: [null, "0.0151"],
  });
});

test("a price that is corrected again is met by what is posted in all", async () => {
  await called();
  await repriceAll(bookAt("2", "8"));
  await repriceAll(bookAt("3", "9"));
  const { deltaPico } = await repriceAll(bookAt("10", "30"));
  assert.ok(deltaPico > 0n);
  const { cost_pico } = await db.selectFrom("daily_costs").select("cost_pico").executeTakeFirstOrThrow();
  assert.equal(BigInt(cost_pico), costOf(usage, ratesFrom({ input: "10", output: "30" })));
  assert.deepEqual(await drift(), []);
});

test("each call is priced by what the book says for its own time", async () => {
  await called();
  await called({ createdAtMs: NOON + 86_400_000 });
  const { adjusted } = await repriceAll(bookAt("11", "31", { effectiveFromMs: Date.UTC(2026, 2, 11) }), {
    ...march,
    provider: "openai",
  });
  assert.equal(adjusted, 1);
  const [adjustment] = await db.selectFrom("ledger_adjustments").select("day").execute();
  assert.equal(adjustment?.day, "2026-03-11");
});

test("a dry run tells the same figures and posts nothing", async () => {
  await called({ budgetIds: [await budget()] });
  await called({ usage: undefined, usageSource: "estimated" });
  const book = bookAt("2", "8");
  const foretold = await repriceDry(db, book, march);
  assert.deepEqual(await db.selectFrom("ledger_adjustments").selectAll().execute(), []);
  assert.deepEqual(await repriceAll(book), foretold);
  assert.equal(foretold.adjusted, 1);
});

test("what no provider has reported is left, and counted", async () => {
  await called({ usage: undefined, usageSource: "estimated" });
  await called({ usage: undefined, costPico: 0n, outcome: "failed" });
  await called({ usageSource: "partial" });
  const { calls, adjusted, skipped } = await repriceAll(bookAt("2", "8"));
  assert.deepEqual([calls, adjusted, skipped], [3, 1, 1]);
  assert.deepEqual(await drift(), []);
});

test("only the days, provider, model and project that are named are priced again", async () => {
  await called({ projectId: 7 });
  await called({ model: "gpt-5.1-2025-11-13" });
  await called({ createdAtMs: Date.UTC(2026, 3, 1) });
  await called({ provider: "groq", model: "llama-3.3-70b-versatile" });
  const book = bookAt("2", "8");
  const counted = async (chosen: Partial<RepricedCalls>) =>
    (await repriceDry(db, book, { ...march, ...chosen })).calls;
  assert.equal(await counted({}), 3);
  assert.equal(await counted({ projectId: 7 }), 1);
  assert.equal(await counted({ provider: "openai" }), 2);
  assert.equal(await counted({ provider: "openai", model: "gpt-5*" }), 2);
  assert.equal(await counted({ model: "gpt-5.1" }), 2);
  assert.equal(await counted({ to: "2026-04-01" }), 4);
});

test("of a call with lines each is priced by its own model, usage and service tier", async () => {
  const tiers = new Map([["priority", { input: "4", output: "16" }]]);
  const rates = ratesFrom({ input: "2", output: "8", serviceTiers: tiers });
  const price = callOf().price;
  const line = { provider: "openai", model: "gpt-5.1", usage, costPico: COST, price };
  const lines: readonly LedgerLine[] = [
    { kind: "answer", ...line, serviceTier: "priority" },
    { kind: "compaction", ...line },
    { kind: "attempt", ...line, usage: undefined },
  ];
  const budgetId = await budget();
  await called({ budgetIds: [budgetId], lines, costPico: 3n * COST });
  const { deltaPico, ...counts } = await repriceAll(bookAt("2", "8", { rates }));
  assert.deepEqual(counts, { calls: 1, adjusted: 1, skipped: 1 });
  const plain = 1_000n * 2_000_000n + 50n * 8_000_000n;
  assert.equal(deltaPico, 3n * plain - 2n * COST);
  assert.equal(await spentOf(budgetId), 3n * plain + COST);
  assert.deepEqual(await drift(), []);
});

test("thousands of calls are priced page by page, each once", async () => {
  await Promise.all(Array.from({ length: 2_300 }, () => called()));
  const { calls, adjusted } = await repriceAll(bookAt("2", "8"));
  assert.deepEqual([calls, adjusted], [2_300, 2_300]);
  assert.deepEqual(await drift(), []);
});

test("adjustments that were changed by hand are drift", async () => {
  await called({ budgetIds: [await budget()] });
  await repriceAll(bookAt("2", "8"));
  await sql`update ledger_adjustments set delta_pico = delta_pico - 1`.execute(db);
  assert.deepEqual(
    (await drift()).map(({ counter }) => counter),
    ["spent_pico", "cost_pico"],
  );
});
