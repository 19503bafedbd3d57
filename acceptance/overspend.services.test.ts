import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeOf } from "./burst.ts";
import { caller } from "./caller.ts";
import { startInstances } from "./instances.ts";
import { readBooks, spentPico } from "./ledger.ts";
import { newStores, withoutStores } from "./stores.ts";
import { startUpstreamApart } from "./upstream.apart.ts";
import { billedPico } from "./upstream.ts";

const CALLS = 10_000;
const AT_ONCE = 200;
const ONE_USD = 1_000_000_000_000n;
/** 1 / 0.1 / 30 USD per million tokens: some seven thousand of these calls are worth a dollar. */
const price = { input: 1_000_000n, cached: 100_000n, output: 30_000_000n };
const env = {
  COST_INPUT_PER_MILLION_USD: "1",
  COST_CACHED_INPUT_PER_MILLION_USD: "0.1",
  COST_OUTPUT_PER_MILLION_USD: "30",
  RESERVATION_WAIT_SECONDS: "60",
};

/** Every one of the calls reserves the same amount. */
type Timed = { readonly startedAt: number; readonly endedAt: number; readonly status: number };

test("10,000 calls through two processes spend $1.00 to its last call and no pico-dollar more", {
  skip: withoutStores(),
}, async (t) => {
  await using stores = await newStores();
  await using upstream = await startUpstreamApart();
  await using pair = await startInstances(2, { ...stores.env, ...upstream.env, ...env });
  const [first] = pair.servers;
  const project = await first!.ask<{ id: number }>("projects", "create", "--name", "p", "--budget", "1.00");
  const { key } = await first!.ask<{ key: string }>(
    ...["keys", "issue", "--name", "dollar", "--project", String(project.id)],
  );
  const callers = pair.urls.map((url) => caller(url, key));

  const timed: Timed[] = [];
  let asked = 0;
  const ask = async (index: number): Promise<void> => {
    const startedAt = performance.now();
    const shape = index % 3 === 0 ? { stream: true, user: "ab" } : { stream: false, user: "a" };
    const fields = { model: `sim-words-${1 + (index % 8)}`, max_tokens: 16, ...shape };
    const { status, code } = await outcomeOf(callers[index % 2]!.chat(fields));
    assert.ok(status === 200 || (status === 402 && code === "BUDGET_EXCEEDED"), `${status} ${code}`);
    timed.push({ startedAt, endedAt: performance.now(), status });
  };
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (asked < CALLS) await ask(asked++);
    }),
  );
  const elapsedMs = Math.round(performance.now() - startedAt);
  for (const server of pair.servers) assert.equal(await server.stop(), 0);

  const passed = timed.filter(({ status }) => status === 200);
  const refused = timed.filter(({ status }) => status === 402);
  const calls = await upstream.closedBooks();
  const billed = billedPico(calls, price);
  const { ledger, reservations } = await readBooks(stores.db);
  const budget = await stores.db.selectFrom("budgets").selectAll().executeTakeFirstOrThrow();
  t.diagnostic(`${passed.length} of ${CALLS} calls passed in ${elapsedMs} ms and spent ${billed} pico-USD`);

  assert.ok(billed <= ONE_USD, `the upstream billed ${billed} pico-USD`);
  assert.deepEqual([calls.length, ledger.length], [passed.length, passed.length]);
  assert.deepEqual([spentPico(ledger), BigInt(budget.spent_pico)], [billed, billed]);
  assert.deepEqual([reservations, budget.reserved_pico], [[], "0"]);

  const [perCallPico, ...others] = new Set(ledger.map((row) => BigInt(row.reserved_pico)));
  assert.equal(others.length, 0);
  assert.ok(ONE_USD - billed < perCallPico!, "another call had room");
  // What is spent only grows: a call that begins after a refusal and passes proves that the refused one had room.
  const firstRefusal = Math.min(...refused.map(({ endedAt }) => endedAt));
  const later = passed.filter((call) => call.startedAt > firstRefusal);
  assert.equal(later.length, 0, `${later.length} calls passed after one was refused`);
});
