import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { burst, type Outcome } from "./burst.ts";
import type { Caller } from "./caller.ts";
import { billedPico, type Upstream } from "./upstream.ts";

const ONE_USD = 1_000_000_000_000n;

export const DOLLAR_MODEL = "sim-words-4000";

/**
 * Calls under a budget of $1.00, `count` at once, with output limits of all sizes. The upstream's bill must never be
 * above the dollar, and at least 99 % of it must be spent. Answers that bill.
 */
export async function spendOneDollar(
  t: TestContext,
  { callers, upstream, count }: { callers: readonly Caller[]; upstream: Upstream; count: number },
): Promise<bigint> {
  const next = numbers(20_261_122);
  const fields = () => ({ model: DOLLAR_MODEL, max_tokens: 16 + (next() % 2000) });
  const billed = () => billedPico(upstream.calls.filter(({ model }) => model === DOLLAR_MODEL));

  const startedAt = performance.now();
  const outcomes = await burst(callers, count, fields);
  const elapsedMs = Math.round(performance.now() - startedAt);
  assertPaidOrRefused(outcomes);
  const passed = outcomes.filter(({ status }) => status === 200).length;
  t.diagnostic(`${passed} of ${count} passed in ${elapsedMs} ms and spent ${percent(billed())} of $1.00`);

  assert.ok(billed() <= ONE_USD, `the upstream billed ${billed()} pico-USD`);
  assert.ok(billed() * 100n >= ONE_USD * 99n, `the upstream billed ${billed()} pico-USD`);
  return billed();
}

function assertPaidOrRefused(outcomes: readonly Outcome[]): void {
  for (const { status, code } of outcomes) {
    assert.ok(status === 200 || (status === 402 && code === "BUDGET_EXCEEDED"), `${status} ${code}`);
  }
}

function percent(pico: bigint): string {
  return `${(Number(pico) / 1e10).toFixed(2)} %`;
}

/** Repeatable numbers from 1 to 2^31 - 2 (Lehmer). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
}
