import assert from "node:assert/strict";
import { test } from "node:test";
import { priceBook } from "../costs/prices.ts";
import { VirtualClock } from "../lib/clock.ts";
import { seededChance } from "../lib/ids.ts";
import type { Alias } from "./aliases.ts";
import { estimateCall } from "./estimate.ts";
import type { Routes } from "./route.ts";
import { scriptedProvider } from "./testing.ts";

const defaults = { input: "0.20", cachedInput: "0.05", output: "0.50" };
const prices = priceBook({ operator: [], configured: [], defaults, unknown: "default" });

test("what a call needs, whichever of its targets is asked, is what the dearest needs", () => {
  const { provider: openai } = scriptedProvider({ name: "openai" });
  const alias = (...models: string[]): Alias => ({
    targets: models.map((model, order) => ({ model, order, weight: 1, timeoutMs: undefined })),
    retries: 0,
  });
  const small = "openai/gpt-4o-mini";
  const large = "openai/gpt-5.1";
  const routes: Routes = {
    providers: new Map([["openai", openai]]),
    aliases: new Map([
      ["one", alias(small)],
      ["two", alias(large)],
      ["all", alias(small, large, small)],
    ]),
    fallback: openai,
    removed: new Set(),
  };
  const clock = new VirtualClock();
  const estimate = estimateCall({
    routes: () => routes,
    prices: () => prices,
    chance: seededChance(1),
    clock,
  });
  const of = (model: string) =>
    estimate(undefined, { model, messages: [{ role: "user", content: "Hi" }], max_tokens: 100 });
  const cheap = of("one");
  const dear = of("two");
  assert.ok(cheap.neededPico < dear.neededPico);
  assert.equal(dear.mostNeededPico, dear.neededPico);
  assert.deepEqual(of("all"), { ...cheap, mostNeededPico: dear.neededPico });
});
