import assert from "node:assert/strict";
import { test } from "node:test";
import { costOf } from "../costs/cost.ts";
import type { Price } from "../costs/prices.ts";
import { ratesFrom } from "../costs/rates.ts";
import { usageOf } from "../costs/testing.ts";
import type { Metered } from "../costs/usage.ts";
import { type Attempt, billOf } from "./bill.ts";
import type { Observed } from "./exchange.ts";
import { callTo, scriptedProvider, targetAt } from "./testing.ts";

const { provider } = scriptedProvider({ name: "anthropic" });
const call = callTo(provider);
const price = (id: string, input: string, source: Price["source"] = "catalogue"): Price => ({
  source,
  id,
  rates: ratesFrom({ input, output: "50" }),
});
const prices = new Map([
  ["anthropic/dear", price("dear", "100")],
  ["anthropic/strange", price("default", "7", "default")],
]);
const priceOf = (name: string, model: string) => prices.get(`${name}/${model}`);

function seen(metered: Partial<Metered>, fields: Partial<Observed> = {}): Observed {
  return {
    outcome: "completed",
    spent: "seen",
    model: undefined,
    metered: { usage: usageOf({ input: 100, output: 10 }), besides: [], ...metered },
    isOutputCounted: true,
    textBytes: 300,
    fate: { kind: "answered" },
    last: { kind: "none" },
    ...fields,
  };
}

const attempt = (observed: Observed, from: Price = price("asked", "1")): Attempt => ({
  target: { ...targetAt(provider, "asked"), price: from },
  observed,
  heldPico: 999n,
});

test("what an answer used of another model is charged at that model's price, on a line of its own", () => {
  const besides = [
    { kind: "advisor", model: "dear", usage: usageOf({ input: 30, output: 3 }) },
    { kind: "compaction", model: undefined, usage: usageOf({ input: 50, cacheWrite5m: 50 }) },
  ] as const;
  const bill = billOf(call, [attempt(seen({ besides }))], priceOf);
  const asked = price("asked", "1").rates;
  assert.deepEqual(
    bill.lines.map(({ kind, model, costPico }) => [kind, model, costPico]),
    [
      ["answer", "asked", costOf(usageOf({ input: 100, output: 10 }), asked)],
      ["advisor", "dear", costOf(besides[0].usage, prices.get("anthropic/dear")!.rates)],
      ["compaction", "asked", costOf(besides[1].usage, asked)],
    ],
  );
  assert.equal(
    bill.costPico,
    bill.lines.reduce((sum, { costPico }) => sum + costPico, 0n),
  );
  assert.deepEqual(bill.usage, usageOf({ input: 180, cacheWrite5m: 50, output: 13 }));
});

test("a call that is charged for one thing has no lines", () => {
  assert.deepEqual(billOf(call, [attempt(seen({}))], priceOf).lines, []);
});

test("a service tier that has rates of its own is charged at those, and they are what the ledger keeps", () => {
  const rates = ratesFrom({
    input: "1",
    output: "50",
    serviceTiers: new Map([["priority", { input: "2", output: "100" }]]),
  });
  const bill = billOf(
    call,
    [attempt(seen({ serviceTier: "priority" }), { ...price("asked", "1"), rates })],
    priceOf,
  );
  assert.equal(bill.costPico, 2n * costOf(usageOf({ input: 100, output: 10 }), price("asked", "1").rates));
  assert.equal(bill.price.rates.input, 2_000_000n);
  assert.equal(bill.serviceTier, "priority");
});

test("the model that answered in place of another is charged, but never past a price of the operator's own", () => {
  const served = (model: string, from?: Price) => {
    const bill = billOf(call, [attempt(seen({}, { model }), from)], priceOf);
    return [bill.model, bill.price.id];
  };
  assert.deepEqual(served("dear"), ["dear", "dear"]);
  assert.deepEqual(served("strange"), ["asked", "asked"]);
  assert.deepEqual(served("unheard-of"), ["asked", "asked"]);
  assert.deepEqual(served("dear", price("own", "3", "operator")), ["asked", "own"]);
  assert.deepEqual(served("dear", price("own", "3", "shipped")), ["asked", "own"]);
});

test("an output that was only announced is charged by the text that came, as partial", () => {
  const observed = seen(
    { usage: usageOf({ input: 100, output: 1 }) },
    { isOutputCounted: false, outcome: "cut" },
  );
  const bill = billOf(call, [attempt(observed)], priceOf);
  assert.deepEqual([bill.usage?.output, bill.usageSource], [100, "partial"]);
});

test("a usage that nobody knows is charged as held, and what failed for nothing costs nothing", () => {
  const nothing = seen({}, { spent: "nothing", metered: undefined, outcome: "failed" });
  const unknown = seen({}, { spent: "unknown", metered: undefined, outcome: "failed" });
  assert.equal(billOf(call, [attempt(nothing)], priceOf).costPico, 0n);
  const bill = billOf(call, [attempt(nothing), attempt(unknown)], priceOf);
  assert.deepEqual([bill.costPico, bill.usageSource, bill.lines], [999n, "estimated", []]);
  const both = billOf(call, [attempt(unknown), attempt(seen({}))], priceOf);
  assert.deepEqual(
    both.lines.map(({ kind }) => kind),
    ["attempt", "answer"],
  );
});

test("a model that the caller let the provider answer with is charged at its own price, whoever priced the one asked for", () => {
  const named = { ...call, request: { ...call.request, otherModels: ["dear"] } };
  const bill = billOf(named, [attempt(seen({}, { model: "dear" }), price("own", "3", "operator"))], priceOf);
  assert.equal(bill.price.id, "dear");
});

test("a search that a model makes unasked is charged, and so is an estimate in the tier asked for", () => {
  const searching = { ...targetAt(provider, "gpt-4o-search-preview"), price: price("asked", "1") };
  const { costPico } = billOf(call, [{ target: searching, observed: seen({}), heldPico: 0n }], priceOf);
  assert.equal(costPico, costOf(usageOf({ input: 100, output: 10, webSearches: 1 }), searching.price.rates));

  const rates = ratesFrom({
    input: "1",
    output: "50",
    serviceTiers: new Map([["flex", { input: "0.5", output: "25" }]]),
  });
  const bound = { ...call.request.bound, serviceTier: "flex" };
  const asked = { ...call, request: { ...call.request, bound } };
  const estimated = (of: typeof call) =>
    billOf(of, [attempt(seen({}, { metered: undefined }), { ...price("asked", "1"), rates })], priceOf)
      .costPico;
  assert.equal(estimated(asked) * 2n, estimated(call));
});
