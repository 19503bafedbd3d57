import assert from "node:assert/strict";
import { test } from "node:test";
import { utcDay } from "../lib/clock.ts";
import { recentTraffic } from "./prices.traffic.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();
const NOW = Date.UTC(2026, 0, 31, 12);
const DAY_MS = 86_400_000;

async function used(
  daysAgo: number,
  model: string,
  userId: string,
  cost: string,
  tokens = { input_tokens: 100, cached_input_tokens: 40, output_tokens: 10 },
): Promise<void> {
  await store.db
    .insertInto("daily_costs")
    .values({
      day: utcDay(NOW - daysAgo * DAY_MS),
      user_id: userId,
      key_id: null,
      project_id: null,
      operation: "chat",
      provider: "openai",
      model,
      calls: 2,
      ...tokens,
      cost_pico: cost,
      estimated_cost_pico: "0",
    })
    .execute();
}

test("thirty days of everybody's calls are added up by model, the dearest first", async () => {
  await used(0, "a", "usr_ann", "1");
  await used(29, "a", "usr_bob", "2");
  await used(30, "a", "usr_ann", "1000");
  await used(1, "b", "usr_ann", "12345678901234567890123");
  const sum = { provider: "openai", inputTokens: 100, cachedInputTokens: 40, outputTokens: 10 };
  assert.deepEqual(await recentTraffic(store.db, NOW), [
    { ...sum, model: "b", calls: 2, costPico: 12345678901234567890123n, lastDay: "2026-01-30" },
    {
      ...sum,
      model: "a",
      calls: 4,
      inputTokens: 200,
      cachedInputTokens: 80,
      outputTokens: 20,
      costPico: 3n,
      lastDay: "2026-01-31",
    },
  ]);
});

test("a model of which nothing was used is not among them", async () => {
  await used(0, "a", "usr_ann", "0", { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 });
  await used(0, "b", "usr_ann", "0");
  assert.deepEqual(
    (await recentTraffic(store.db, NOW)).map(({ model }) => model),
    ["b"],
  );
});
