import assert from "node:assert/strict";
import { test } from "node:test";
import { systemChance, uuidv7 } from "../lib/ids.ts";
import { reservedRow, settledRow } from "./ledger.ts";
import { callOf, settlementOf, usageOf } from "./testing.ts";

const MIDNIGHT = Date.UTC(2026, 2, 2);

test("a call belongs to the day in its id, whenever it is written down", () => {
  const call = callOf({ id: uuidv7(MIDNIGHT - 1, systemChance), createdAtMs: MIDNIGHT + 5 });
  assert.equal(reservedRow(call).day, "2026-03-01");
  const settlement = settlementOf({ ...call, reservedPico: 1n });
  assert.equal(settledRow(settlement, MIDNIGHT + 86_400_000).day, "2026-03-01");
});

test("a provider that reports nothing leaves nulls; an explicit zero stays zero", () => {
  const call = { ...callOf(), reservedPico: 5n };
  const silent = settledRow(settlementOf(call, { usage: undefined, usageSource: "estimated" }), MIDNIGHT);
  assert.equal(silent.input_tokens ?? null, null);
  assert.equal(silent.usage ?? null, null);
  assert.equal(settledRow(settlementOf(call, { usage: usageOf({ input: 3 }) }), MIDNIGHT).output_tokens, 0);
});

test("a bill above its reservation is an overrun", () => {
  const call = { ...callOf(), reservedPico: 5n };
  assert.equal(settledRow(settlementOf(call, { costPico: 5n }), MIDNIGHT).overrun, false);
  assert.equal(settledRow(settlementOf(call, { costPico: 6n }), MIDNIGHT).overrun, true);
});

test("a model name of any kind fits the ledger", () => {
  assert.equal(reservedRow(callOf({ model: "a\0b\ud800" })).model, "a\u{FFFD}b\u{FFFD}");
  assert.equal((reservedRow(callOf({ model: "x".repeat(9_999) })).model as string).length, 200);
});
