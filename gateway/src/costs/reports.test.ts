import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../lib/clock.ts";
import { picoFromUsd } from "../lib/money.ts";
import { expireReservations } from "./expiry.ts";
import type { Settlement } from "./ledger.ts";
import { dailyCosts } from "./reports.ts";
import { settlements } from "./settle.ts";
import { callOf, noTrouble, settlementOf, storeForTests, usageOf } from "./testing.ts";

const store = await storeForTests();

const NOON = Date.UTC(2026, 2, 1, 12);

test("the daily report shows the user's own calls of that day, dearest first", async () => {
  const { settle } = settlements({
    db: store.db,
    clock: new VirtualClock(NOON),
    onSettled: () => {},
    onTrouble: noTrouble,
  });
  const spend = (costUsd: string, fields: Partial<Settlement>) =>
    settle(
      settlementOf(
        { ...callOf({ createdAtMs: NOON, ...fields }), reservedPico: 0n },
        { costPico: picoFromUsd(costUsd), ...fields },
      ),
    );
  const usage = usageOf({ input: 1_000, cacheRead: 400, output: 50 });
  await spend("0.10", { usage, price: { ...callOf().price, source: "default" } });
  await spend("0.05", { usage, keyId: 4 });
  await spend("0.25", { usage: undefined, usageSource: "estimated", operation: "query.ask" });
  await spend("9", { userId: "usr_bob" });
  await spend("9", { createdAtMs: NOON + 86_400_000 });

  const same = { provider: "openai", model: "gpt-5.1" };
  assert.deepEqual(await dailyCosts(store.db, "usr_ann", "2026-03-01"), {
    day: "2026-03-01",
    timezone: "UTC",
    totals: {
      calls: 3,
      input_tokens: 2_000,
      cached_input_tokens: 800,
      output_tokens: 100,
      total_tokens: 2_100,
      estimated_cost: 0.4,
      estimated_cost_usd: "0.4",
      estimated_share: 0.625,
      unpriced_share: 0.25,
    },
    breakdown: [
      {
        operation: "query.ask",
        ...same,
        calls: 1,
        input_tokens: 0,
        cached_input_tokens: 0,
        output_tokens: 0,
        total_tokens: 0,
        estimated_cost: 0.25,
        estimated_cost_usd: "0.25",
        estimated_share: 1,
        unpriced_share: 0,
      },
      {
        operation: "chat",
        ...same,
        calls: 2,
        input_tokens: 2_000,
        cached_input_tokens: 800,
        output_tokens: 100,
        total_tokens: 2_100,
        estimated_cost: 0.15,
        estimated_cost_usd: "0.15",
        estimated_share: 0,
        unpriced_share: 2 / 3,
      },
    ],
  });
});

test("a day without calls is a day of zeros", async () => {
  assert.equal(await expireReservations(store.db, noTrouble), 0);
  const { totals, breakdown } = await dailyCosts(store.db, "usr_ann", "2026-03-01");
  assert.deepEqual(
    [totals.calls, totals.estimated_cost_usd, totals.estimated_share, breakdown],
    [0, "0", 0, []],
  );
});
