import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultRates } from "./prices.shipped.ts";
import { addPrice, loadPrices, type NewPrice, openPrices } from "./prices.stored.ts";
import { type OperatorPrice, priceBook, priceOf } from "./prices.ts";
import { completeRates } from "./rates.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();

const NOW = Date.UTC(2026, 0, 1);
const newPrice: NewPrice = {
  provider: "openai",
  model: "gpt-5.1",
  rates: {
    input: 1_250_000n,
    cachedInput: 125_000n,
    cacheWrite1h: 2_500_000n,
    output: 10_000_000n,
    tiers: [{ aboveInput: 200_000, input: 2_500_000n, output: 15_000_000n }],
  },
  effectiveFromMs: NOW,
  createdAtMs: NOW,
  createdBy: "usr_admin",
};

test("a price that was added is loaded as it was written, and stays when a newer one is added", async () => {
  const first = await addPrice(store.db, newPrice);
  const rates = { input: 1_250_000n, output: 10_000_000n };
  const second = await addPrice(store.db, { ...newPrice, rates, effectiveFromMs: NOW + 1 });
  const named = { provider: "openai", model: "gpt-5.1" };
  assert.deepEqual(await loadPrices(store.db), [
    { id: first, ...named, rates: completeRates(newPrice.rates), effectiveFromMs: NOW },
    { id: second, ...named, rates: completeRates(rates), effectiveFromMs: NOW + 1 },
  ]);
});

test("every kind of usage and every service tier is loaded as it was written", async () => {
  const tier = { input: 3_000_000n, audioInput: 9_000_000n, output: 20_000_000n };
  const rates = {
    ...newPrice.rates,
    audioInput: 32_000_000n,
    cachedImageInput: 0n,
    imageOutput: 60_000_000n,
    webSearch: 25_000_000_000n,
    serviceTiers: new Map([
      ["priority", { ...tier, tiers: [{ aboveInput: 1, ...tier, cachedInput: 1n }] }],
      ["flex", { input: 1n, output: 2n, webSearch: 10_000_000_000n, fileSearch: 7n }],
    ]),
  };
  await addPrice(store.db, { ...newPrice, rates });
  const [row] = await loadPrices(store.db);
  assert.deepEqual(row?.rates, completeRates(rates));
  await addPrice(store.db, { ...newPrice, rates: row.rates });
  assert.deepEqual((await loadPrices(store.db))[1]?.rates, row.rates);
});

test("a slow read of the book does not take back what a later one has found", async () => {
  const bookOf = (operator: readonly OperatorPrice[]) =>
    priceBook({ operator, configured: [], defaults: defaultRates, unknown: "default" });
  const row = {
    provider: "openai",
    model: "gpt-5.1",
    rates: completeRates(newPrice.rates),
    effectiveFromMs: NOW,
  };
  const slow = Promise.withResolvers<readonly OperatorPrice[]>();
  const loads = [Promise.resolve([]), slow.promise, Promise.resolve([{ ...row, id: 2 }])];
  const { prices, readPrices } = await openPrices({ bookOf, load: () => loads.shift()! });
  const early = readPrices();
  await readPrices();
  slow.resolve([{ ...row, id: 1 }]);
  await early;
  assert.equal(priceOf(prices(), "openai", "gpt-5.1", NOW)?.id, "2");
});
