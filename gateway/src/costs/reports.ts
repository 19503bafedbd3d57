import { sql } from "kysely";
import { type Pico, usdNumber, usdText } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";

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
};

export type CostBreakdown = CostTotals & {
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
};

/** The costs of the user's own calls on a UTC day (`YYYY-MM-DD`). */
export async function dailyCosts(db: Db, userId: string, day: string): Promise<DailyCosts> {
  const { rows } = await sql<{
    operation: string;
    provider: string;
    model: string;
    calls: number;
    input_tokens: number;
    cached_input_tokens: number;
    output_tokens: number;
    cost_pico: string;
    estimated_cost_pico: string;
  }>`
    select operation, provider, model, sum(calls)::bigint as calls, sum(input_tokens)::bigint as input_tokens,
      sum(cached_input_tokens)::bigint as cached_input_tokens, sum(output_tokens)::bigint as output_tokens,
      sum(cost_pico) as cost_pico, sum(estimated_cost_pico) as estimated_cost_pico
    from daily_costs where user_id = ${userId} and day = ${day}
    group by operation, provider, model
    having sum(calls) > 0
    order by cost_pico desc, operation, provider, model`.execute(db);
  const lines = rows.map((row) => ({
    label: { operation: row.operation, provider: row.provider, model: row.model },
    sums: {
      calls: row.calls,
      input: row.input_tokens,
      cached: row.cached_input_tokens,
      output: row.output_tokens,
      cost: BigInt(row.cost_pico),
      estimated: BigInt(row.estimated_cost_pico),
    },
  }));
  return {
    day,
    timezone: "UTC",
    totals: totals(lines.reduce((all, { sums }) => add(all, sums), nothing)),
    breakdown: lines.map(({ label, sums }) => ({ ...label, ...totals(sums) })),
  };
}

type Sums = {
  readonly calls: number;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly cost: Pico;
  readonly estimated: Pico;
};

const nothing: Sums = { calls: 0, input: 0, cached: 0, output: 0, cost: 0n, estimated: 0n };

function add(a: Sums, b: Sums): Sums {
  return {
    calls: a.calls + b.calls,
    input: a.input + b.input,
    cached: a.cached + b.cached,
    output: a.output + b.output,
    cost: a.cost + b.cost,
    estimated: a.estimated + b.estimated,
  };
}

function totals({ calls, input, cached, output, cost, estimated }: Sums): CostTotals {
  return {
    calls,
    input_tokens: input,
    cached_input_tokens: cached,
    output_tokens: output,
    total_tokens: input + output,
    estimated_cost: usdNumber(cost),
    estimated_cost_usd: usdText(cost),
    estimated_share: cost === 0n ? 0 : Number(estimated) / Number(cost),
  };
}
