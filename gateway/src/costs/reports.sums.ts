import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";

/** Roll-ups, added up. */
export type Sums = {
  readonly calls: number;
  /** All input tokens, cached included. */
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly costPico: Pico;
  /** The part of the cost that rests on counts that no provider confirmed (C9). */
  readonly estimatedPico: Pico;
  /** The part of the cost that was charged at the default rates, because the model had no price (C11). */
  readonly unpricedPico: Pico;
};

export const nothing: Sums = {
  calls: 0,
  input: 0,
  cached: 0,
  output: 0,
  costPico: 0n,
  estimatedPico: 0n,
  unpricedPico: 0n,
};

export function add(a: Sums, b: Sums): Sums {
  return {
    calls: a.calls + b.calls,
    input: a.input + b.input,
    cached: a.cached + b.cached,
    output: a.output + b.output,
    costPico: a.costPico + b.costPico,
    estimatedPico: a.estimatedPico + b.estimatedPico,
    unpricedPico: a.unpricedPico + b.unpricedPico,
  };
}

/** 0 to 1; of nothing, nothing is estimated. */
export function estimatedShare({ costPico, estimatedPico }: Sums): number {
  return costPico === 0n ? 0 : Number(estimatedPico) / Number(costPico);
}

/** 0 to 1; of nothing, nothing is without a price. */
export function unpricedShare({ costPico, unpricedPico }: Sums): number {
  return costPico === 0n ? 0 : Number(unpricedPico) / Number(costPico);
}

/** SQL: the columns that `sumsOf` reads, over rows of `daily_costs`. */
export const sumColumns = sql`
  sum(calls)::bigint as calls, sum(input_tokens)::bigint as input_tokens,
  sum(cached_input_tokens)::bigint as cached_input_tokens, sum(output_tokens)::bigint as output_tokens,
  sum(cost_pico) as cost_pico, sum(estimated_cost_pico) as estimated_cost_pico,
  sum(unpriced_cost_pico) as unpriced_cost_pico`;

export type SumRow = {
  calls: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost_pico: string;
  estimated_cost_pico: string;
  unpriced_cost_pico: string;
};

export function sumsOf(row: SumRow): Sums {
  return {
    calls: row.calls,
    input: row.input_tokens,
    cached: row.cached_input_tokens,
    output: row.output_tokens,
    costPico: BigInt(row.cost_pico),
    estimatedPico: BigInt(row.estimated_cost_pico),
    unpricedPico: BigInt(row.unpriced_cost_pico),
  };
}
