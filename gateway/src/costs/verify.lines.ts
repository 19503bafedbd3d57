import { sql } from "kysely";
import type { Tx } from "../store/tables.ts";

/** A ledger row whose cost is not the sum of its lines. In pico-USD, decimal digits. */
export type LineDrift = {
  readonly day: string;
  readonly id: string;
  readonly expected: string;
  readonly found: string;
};

export async function compareLines(tx: Tx, day: string): Promise<readonly LineDrift[]> {
  const { rows } = await sql<Omit<LineDrift, "day">>`
    select run.id, run.cost_pico as found, sum(line.cost_pico) as expected
    from prompt_run_lines as line join prompt_runs as run on run.id = line.id
    where line.day = ${day}::date and run.day = ${day}::date
    group by run.id, run.cost_pico
    having run.cost_pico <> sum(line.cost_pico)
    order by run.id`.execute(tx);
  return rows.map((row) => ({ day, ...row }));
}
