import assert from "node:assert/strict";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";
import { codeIn } from "./ask.ts";
import type { Caller } from "./caller.ts";
import type { LedgerRow } from "./ledger.ts";
import { billedPico } from "./upstream.ts";

/** A call as its client saw it. No other call has its model, so every book can be asked for it. */
export type Charge = {
  readonly model: string;
  /** Undefined: the connection broke. */
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** The answer came to its end. */
  readonly isWhole: boolean;
  readonly elapsedMs: number;
};

/** An answer's last byte waits this long for the ledger, at most. */
const LONGEST_HOLD_MS = 250;

/** The call with this number: one in five takes its time, every second one is streamed. */
export function charge(us: Caller, number: number): Promise<Charge> {
  const model = number % 5 === 0 ? `sim-slow-${300 + number / 5}tps` : `charge-${number}`;
  return chargeOf(us, model, number % 2 === 1);
}

export async function chargeOf(us: Caller, model: string, stream: boolean): Promise<Charge> {
  const startedAt = performance.now();
  const broken = { status: undefined, code: undefined, isWhole: false };
  const seen = await us
    .chat({ model, stream })
    .then(async (answer) => {
      const { status } = answer;
      const text = await answer.text();
      const isWhole = status === 200 && (!stream || text.endsWith("[DONE]\n\n"));
      return { status, code: codeIn(text), isWhole };
    })
    .catch(() => broken);
  return { model, ...seen, elapsedMs: performance.now() - startedAt };
}

/**
 * Holds the ledger against what the upstream charged and what clients saw: nothing is missing, doubled or too low, and
 * what was settled is exact. Answers the rows of calls that nobody settled.
 */
export function assertBooked(
  ledger: readonly LedgerRow[],
  calls: readonly SimulatedCall[],
  charges: readonly Charge[],
): readonly LedgerRow[] {
  const rows = new Map(ledger.map((row) => [row.model, row]));
  const served = new Map(calls.map((call) => [call.model, call]));
  assert.deepEqual([rows.size, served.size], [ledger.length, calls.length], "a call is there twice");
  for (const { model } of calls) assert.ok(rows.has(model), `the ledger lacks ${model}`);
  for (const row of ledger) {
    const { model, usage_source, cost_pico, reserved_pico } = row;
    const call = served.get(model);
    const billed = call === undefined ? 0n : billedPico([call]);
    if (usage_source === "reported") assert.equal(BigInt(cost_pico), billed, model);
    else assert.deepEqual([usage_source, row.outcome, cost_pico], ["reserved", "unsettled", reserved_pico]);
    assert.ok(BigInt(cost_pico) >= billed, `${model} is charged too little`);
  }
  for (const { model, isWhole, elapsedMs } of charges) {
    if (!isWhole) continue;
    assert.ok(served.get(model)?.aborted === false, `${model} was answered, but not by the upstream`);
    const wasHeld = elapsedMs >= LONGEST_HOLD_MS;
    assert.ok(
      wasHeld || rows.get(model)?.usage_source === "reported",
      `${model} was answered and not settled`,
    );
  }
  return ledger.filter(({ usage_source }) => usage_source === "reserved");
}
