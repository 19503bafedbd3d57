import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import type { Usage } from "./usage.ts";

/** What a user's calls of one operation by one model came to, as far as providers reported it. */
export type UsedModel = {
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly costPico: Pico;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** Those that no price list charges for their length. */
  readonly compared: { readonly calls: number; readonly costPico: Pico; readonly usage: Usage };
  readonly medianInput: number;
  /** Nine of ten inputs are at least this long: a beginning that they share is no longer. */
  readonly commonInput: number;
  /** Of it, what was not read from a cache, and what it cost more for that. */
  readonly cacheableTokens: number;
  readonly cacheablePico: Pico;
  /** Of all the operation's calls, whatever their model. */
  readonly medianOutput: number;
  /** Outputs of more than `LONG_OUTPUT` medians, and what they have beyond them. */
  readonly longOutputs: number;
  readonly excessOutputTokens: number;
  readonly excessOutputPico: Pico;
};

export const LONG_OUTPUT = 3;
/** Price lists charge more for longer inputs, from here on at the earliest. */
const LONGEST_COMPARED_INPUT = 128_000;
/** The newest, so that whoever has made millions gets an answer too. */
const MOST_CALLS = 20_000;

/** Reads the user's ledger rows from a UTC day (`YYYY-MM-DD`) on. */
export async function usedModels(db: Db, userId: string, since: string): Promise<readonly UsedModel[]> {
  const { rows } = await sql<UsedRow>`
    with own as materialized (
      select operation, provider, model, cost_pico, input_tokens as input, coalesce(cached_input_tokens, 0) as cached,
        output_tokens as output, coalesce((usage ->> 'cacheWrite5m')::bigint, 0) as write_5m,
        coalesce((usage ->> 'cacheWrite1h')::bigint, 0) as write_1h, (rates ->> 'output')::numeric as output_rate,
        (rates ->> 'input')::numeric - (rates ->> 'cachedInput')::numeric as cache_discount
      from prompt_runs
      where user_id = ${userId} and day >= ${since} and usage_source = 'reported'
        and input_tokens is not null and output_tokens is not null
      order by day desc, id desc limit ${MOST_CALLS}
    ),
    usual as (
      select operation, percentile_disc(0.5) within group (order by output) as median_output
      from own group by operation
    ),
    lengths as (
      select operation, provider, model, percentile_disc(0.5) within group (order by input) as median_input,
        percentile_disc(0.1) within group (order by input) as common_input
      from own group by operation, provider, model
    ),
    judged as (
      select *, input <= ${LONGEST_COMPARED_INPUT} as is_compared,
        greatest(0, least(input, common_input) - cached) as cacheable,
        greatest(0, output - ${LONG_OUTPUT} * median_output) as excess
      from own join usual using (operation) join lengths using (operation, provider, model)
    )
    select operation, provider, model, median_input, common_input, median_output, count(*) as calls,
      sum(cost_pico) as cost_pico, sum(input)::bigint as input, sum(cached)::bigint as cached, sum(output)::bigint as output,
      count(*) filter (where is_compared) as compared_calls,
      coalesce(sum(cost_pico) filter (where is_compared), 0) as compared_pico,
      coalesce(sum(input) filter (where is_compared), 0)::bigint as compared_input,
      coalesce(sum(cached) filter (where is_compared), 0)::bigint as compared_cached,
      coalesce(sum(write_5m) filter (where is_compared), 0)::bigint as compared_write_5m,
      coalesce(sum(write_1h) filter (where is_compared), 0)::bigint as compared_write_1h,
      coalesce(sum(output) filter (where is_compared), 0)::bigint as compared_output,
      sum(cacheable)::bigint as cacheable, sum(cacheable * cache_discount) as cacheable_pico,
      count(*) filter (where excess > 0) as long_outputs, sum(excess)::bigint as excess,
      sum(excess * output_rate) as excess_pico
    from judged
    group by operation, provider, model, median_input, common_input, median_output
    order by cost_pico desc, operation, provider, model`.execute(db);
  return rows.map(usedModel);
}

type UsedRow = Record<"operation" | "provider" | "model", string> &
  Record<"calls" | "input" | "cached" | "output" | "compared_calls" | "compared_input", number> &
  Record<"compared_cached" | "compared_write_5m" | "compared_write_1h" | "compared_output", number> &
  Record<
    "median_input" | "common_input" | "median_output" | "cacheable" | "long_outputs" | "excess",
    number
  > &
  Record<"cost_pico" | "compared_pico" | "cacheable_pico" | "excess_pico", string>;

function usedModel(row: UsedRow): UsedModel {
  const { operation, provider, model, calls, input, cached, output } = row;
  const usage: Usage = {
    input: row.compared_input,
    cacheRead: row.compared_cached,
    cacheWrite5m: row.compared_write_5m,
    cacheWrite1h: row.compared_write_1h,
    output: row.compared_output,
    reasoning: 0,
  };
  return {
    operation,
    provider,
    model,
    calls,
    costPico: BigInt(row.cost_pico),
    input,
    cached,
    output,
    compared: { calls: row.compared_calls, costPico: BigInt(row.compared_pico), usage },
    medianInput: row.median_input,
    commonInput: row.common_input,
    cacheableTokens: row.cacheable,
    cacheablePico: BigInt(row.cacheable_pico),
    medianOutput: row.median_output,
    longOutputs: row.long_outputs,
    excessOutputTokens: row.excess,
    excessOutputPico: BigInt(row.excess_pico),
  };
}
