import { sql } from "kysely";
import type { Tx } from "../store/tables.ts";

/** A row of `daily_costs` that is not the sum of its ledger rows. */
export type RollUpDrift = RollUpKey & {
  readonly expected: RollUpCounters;
  readonly found: RollUpCounters;
};

export type RollUpKey = {
  readonly day: string;
  readonly user_id: string;
  readonly key_id: number | null;
  readonly project_id: number | null;
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
};

const counters = [
  "calls",
  "input_tokens",
  "cached_input_tokens",
  "output_tokens",
  "cost_pico",
  "estimated_cost_pico",
  "unpriced_cost_pico",
] as const;

/** Decimal digits. */
export type RollUpCounters = Readonly<Record<(typeof counters)[number], string>>;

export type CounterPair = { readonly counter: string; readonly expected: string; readonly found: string };

export function countersOf({ expected, found }: RollUpDrift): readonly CounterPair[] {
  return counters.map((counter) => ({ counter, expected: expected[counter], found: found[counter] }));
}

export function rollUpId(row: RollUpKey): string {
  const { day, user_id, key_id, project_id, operation, provider, model } = row;
  return [day, user_id, key_id ?? "-", project_id ?? "-", operation, provider, model].join("/");
}

/** Compares a day's roll-ups with its ledger rows and their adjustments, in one statement. `checked`: how many of both there are. */
export async function compareDay(
  tx: Tx,
  day: string,
): Promise<{ readonly checked: number; readonly drift: readonly RollUpDrift[] }> {
  const { rows } = await sql<{ checked: number; drift: readonly Omit<RollUpDrift, "day">[] }>`
    with line as (
      select user_id, key_id, project_id, operation, provider, model, true as is_ledger, 1 as calls,
        coalesce(input_tokens, 0) as input, coalesce(cached_input_tokens, 0) as cached,
        coalesce(output_tokens, 0) as output, cost_pico as cost,
        case when usage_source = 'reported' then 0 else cost_pico end as estimated,
        coalesce(unpriced_pico, 0) as unpriced
      from prompt_runs where day = ${day}::date
      union all
      select user_id, key_id, project_id, operation, provider, model, true, 0, 0, 0, 0, adjustment.delta_pico,
        case when usage_source = 'reported' then 0 else adjustment.delta_pico end, adjustment.unpriced_delta_pico
      from ledger_adjustments as adjustment join prompt_runs as run on run.id = adjustment.call_id
      where adjustment.day = ${day}::date and run.day = ${day}::date
      union all
      select user_id, key_id, project_id, operation, provider, model, false, calls, input_tokens,
        cached_input_tokens, output_tokens, cost_pico, estimated_cost_pico, unpriced_cost_pico
      from daily_costs where day = ${day}::date
    ),
    side as (
      select user_id, key_id, project_id, operation, provider, model, is_ledger,
        jsonb_build_object('calls', sum(calls)::text, 'input_tokens', sum(input)::text,
          'cached_input_tokens', sum(cached)::text, 'output_tokens', sum(output)::text,
          'cost_pico', sum(cost)::text, 'estimated_cost_pico', sum(estimated)::text,
          'unpriced_cost_pico', sum(unpriced)::text) as sums
      from line
      group by user_id, key_id, project_id, operation, provider, model, is_ledger
    ),
    pair as (
      select user_id, key_id, project_id, operation, provider, model,
        coalesce(jsonb_agg(sums) filter (where is_ledger) -> 0, ${nothing}::jsonb) as expected,
        coalesce(jsonb_agg(sums) filter (where not is_ledger) -> 0, ${nothing}::jsonb) as found
      from side
      group by user_id, key_id, project_id, operation, provider, model
    )
    select count(*) as checked, coalesce(jsonb_agg(to_jsonb(pair)) filter (where expected <> found), '[]') as drift
    from pair`.execute(tx);
  const { checked, drift } = rows[0]!;
  return { checked, drift: drift.map((row) => ({ ...row, day })) };
}

const nothing = JSON.stringify(Object.fromEntries(counters.map((counter) => [counter, "0"])));
