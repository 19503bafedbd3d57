import { sql } from "kysely";
import { usdNumber, usdText } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import {
  add,
  estimatedShare,
  nothing,
  type SumRow,
  type Sums,
  sumColumns,
  sumsOf,
  unpricedShare,
} from "./reports.sums.ts";

/** `GET /health/costs/daily` (C4): JSON as it is answered. */
export type DailyCosts = {
  readonly day: string;
  readonly timezone: "UTC";
  readonly totals: CostTotals;
  /** Dearest first. */
  readonly breakdown: readonly CostBreakdown[];
};

export type CostTotals = {
  readonly calls: number;
  /** All input, cached included. */
  readonly input_tokens: number;
  readonly cached_input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly estimated_cost: number;
  readonly estimated_cost_usd: string;
  /** How much of the money rests on counts that no provider confirmed, 0 to 1. */
  readonly estimated_share: number;
  /** How much of the money was charged at the default rates, because the model had no price, 0 to 1. */
  readonly unpriced_share: number;
};

export type CostBreakdown = CostTotals & {
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
};

/** The costs of the user's own calls on a UTC day (`YYYY-MM-DD`). */
export async function dailyCosts(db: Db, userId: string, day: string): Promise<DailyCosts> {
  const { rows } = await sql<SumRow & { operation: string; provider: string; model: string }>`
    select operation, provider, model, ${sumColumns}
    from daily_costs where user_id = ${userId} and day = ${day}
    group by operation, provider, model
    having sum(calls) > 0
    order by cost_pico desc, operation, provider, model`.execute(db);
  const lines = rows.map((row) => ({
    label: { operation: row.operation, provider: row.provider, model: row.model },
    sums: sumsOf(row),
  }));
  return {
    day,
    timezone: "UTC",
    totals: totals(lines.reduce((all, { sums }) => add(all, sums), nothing)),
    breakdown: lines.map(({ label, sums }) => ({ ...label, ...totals(sums) })),
  };
}

function totals(sums: Sums): CostTotals {
  return {
    calls: sums.calls,
    input_tokens: sums.input,
    cached_input_tokens: sums.cached,
    output_tokens: sums.output,
    total_tokens: sums.input + sums.output,
    estimated_cost: usdNumber(sums.costPico),
    estimated_cost_usd: usdText(sums.costPico),
    estimated_share: estimatedShare(sums),
    unpriced_share: unpricedShare(sums),
  };
}
