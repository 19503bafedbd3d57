import { sql } from "kysely";
import { utcDay } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";

/** What everybody together used of one model. Input tokens include the cached ones. */
export type ModelTraffic = {
  readonly provider: string;
  readonly model: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  readonly costPico: Pico;
  /** UTC day of the last call. */
  readonly lastDay: string;
};

const DAYS = 30;
const DAY_MS = 86_400_000;
const MOST_MODELS = 1_000;

/**
 * The ledger's last 30 UTC days by model, today's included; of very many models, those that cost most. One of which
 * nothing was used, as of a cache that answered, needs no price and is left out.
 */
export async function recentTraffic(db: Db, now: number): Promise<readonly ModelTraffic[]> {
  const { rows } = await sql<Record<string, string>>`
    select provider, model, sum(calls)::text as calls, sum(input_tokens)::text as input,
      sum(cached_input_tokens)::text as cached, sum(output_tokens)::text as output, sum(cost_pico)::text as cost,
      max(day)::text as last_day
    from daily_costs
    where day > ${utcDay(now - DAYS * DAY_MS)}::date and day <= ${utcDay(now)}::date
    group by provider, model
    having sum(calls) > 0 and (sum(input_tokens + output_tokens) > 0 or sum(cost_pico) > 0)
    order by sum(cost_pico) desc, provider, model
    limit ${MOST_MODELS}`.execute(db);
  return rows.map((row) => ({
    provider: row.provider!,
    model: row.model!,
    calls: Number(row.calls),
    inputTokens: Number(row.input),
    cachedInputTokens: Number(row.cached),
    outputTokens: Number(row.output),
    costPico: BigInt(row.cost!),
    lastDay: row.last_day!,
  }));
}
