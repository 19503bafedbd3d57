import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Usage } from "./usage.ts";

/** What a call was charged for one thing: its row, or one of its lines. */
export type Charge = {
  readonly day: string;
  readonly id: string;
  /** 0: the call has no lines. */
  readonly line: number;
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string | undefined;
  /** Undefined: no provider reported any. */
  readonly usage: Usage | undefined;
  /** Earlier adjustments included. */
  readonly chargedPico: Pico;
  /** At the default rates, by the last of them. */
  readonly isUnpriced: boolean;
  /** Milliseconds since the epoch. */
  readonly calledAtMs: number;
};

/** What a page of a day's calls was charged, by call. `lastId` is where the next page begins; undefined: no more calls. */
export async function chargesOf(
  tx: Db | Tx,
  { day, projectId, afterId }: { day: string; projectId: number | undefined; afterId: string | undefined },
): Promise<{ readonly charges: readonly Charge[]; readonly lastId: string | undefined }> {
  const { rows } = await sql<ChargeRow>`
    with page as materialized (
      select * from prompt_runs
      where day = ${day}::date and id > ${afterId ?? NIL}::uuid
        and ${projectId === undefined ? sql`true` : sql`project_id = ${projectId}`}
      order by id limit ${CALLS_PER_PAGE}
    ),
    line as materialized (
      select line.* from prompt_run_lines as line join page using (id) where line.day = ${day}::date
    ),
    charge as (
      select id, 0 as line, provider, model, service_tier, usage, cost_pico, price_source from page
      where not exists (select from line where line.id = page.id)
      union all
      select id, line, provider, model, service_tier, usage, cost_pico, price_source from line
    ),
    adjusted as (
      select call_id as id, line, sum(delta_pico) as pico,
        (array_agg(price_source order by ledger_adjustments.id desc))[1] as price_source
      from ledger_adjustments
      where day = ${day}::date and call_id in (select id from page)
      group by call_id, line
    )
    select charge.id, charge.line, charge.provider, charge.model, charge.service_tier, charge.usage,
      charge.cost_pico + coalesce(adjusted.pico, 0) as charged_pico,
      coalesce(adjusted.price_source, charge.price_source) = 'default' as is_unpriced, page.created_at
    from charge join page using (id) left join adjusted using (id, line)
    order by id, line`.execute(tx);
  return { charges: rows.map((row) => chargeOf(day, row)), lastId: rows.at(-1)?.id };
}

const CALLS_PER_PAGE = 1_000;
const NIL = "00000000-0000-0000-0000-000000000000";

type ChargeRow = {
  id: string;
  line: number;
  provider: string;
  model: string;
  service_tier: string | null;
  usage: Usage | null;
  charged_pico: string;
  is_unpriced: boolean;
  created_at: Date;
};

function chargeOf(day: string, row: ChargeRow): Charge {
  const { id, line, provider, model } = row;
  return {
    ...{ day, id, line, provider, model },
    serviceTier: row.service_tier ?? undefined,
    usage: row.usage ?? undefined,
    chargedPico: BigInt(row.charged_pico),
    isUnpriced: row.is_unpriced,
    calledAtMs: row.created_at.getTime(),
  };
}
