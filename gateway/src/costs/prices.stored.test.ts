import assert from "node:assert/strict";
import { test } from "node:test";
import { addPrice, loadPrices, type NewPrice } from "./prices.stored.ts";
import { storeForTests } from "./testing.ts";

const store = await storeForTests();

const NOW = Date.UTC(2026, 0, 1);
const newPrice: NewPrice = {
  provider: "openai",
  model: "gpt-5.1",
  input: 1_250_000n,
  cachedInput: 125_000n,
  output: 10_000_000n,
  effectiveFromMs: NOW,
  createdAtMs: NOW,
  createdBy: "usr_admin",
};

test("a price that was added is loaded as it was written, and stays when a newer one is added", async () => {
  const first = await addPrice(store.db, newPrice);
  const second = await addPrice(store.db, { ...newPrice, cachedInput: undefined, effectiveFromMs: NOW + 1 });
  assert.deepEqual(
    (await loadPrices(store.db)).map(({ id, rates, effectiveFromMs }) => [
      id,
      rates.cachedInput,
      effectiveFromMs,
    ]),
    [
      [first, 125_000n, NOW],
      [second, 1_250_000n, NOW + 1],
    ],
  );
});
