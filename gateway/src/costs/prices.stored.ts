import { sql } from "kysely";
import type { Pico } from "../lib/money.ts";
import type { Db } from "../store/tables.ts";
import type { OperatorPrice } from "./prices.ts";
import { completeRates } from "./rates.ts";

export type NewPrice = {
  readonly provider: string;
  readonly model: string;
  readonly input: Pico;
  /** Undefined: cached input costs what plain input costs. */
  readonly cachedInput: Pico | undefined;
  readonly output: Pico;
  readonly effectiveFromMs: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
};

/** The operator's whole book, past and future rows too, oldest first: what a call cost stays explainable. */
export async function loadPrices(db: Db): Promise<readonly OperatorPrice[]> {
  const rows = await db.selectFrom("prices").selectAll().orderBy("id").execute();
  return rows.map((row) => ({
    id: row.id,
    provider: row.provider,
    model: row.model,
    rates: completeRates({
      input: BigInt(row.input_pico),
      cachedInput: row.cached_input_pico === null ? undefined : BigInt(row.cached_input_pico),
      output: BigInt(row.output_pico),
    }),
    effectiveFromMs: row.effective_from.getTime(),
  }));
}

/** Adds a row to the operator's book and returns its number. Rows are never changed: a newer one takes over. */
export async function addPrice(db: Db, price: NewPrice): Promise<number> {
  const added = await sql<{ id: number }>`
    insert into prices (provider, model, input_pico, cached_input_pico, output_pico, effective_from, created_at, created_by)
    values (${price.provider}, ${price.model}, ${price.input.toString()},
      ${price.cachedInput?.toString() ?? null}, ${price.output.toString()},
      ${new Date(price.effectiveFromMs)}, ${new Date(price.createdAtMs)}, ${price.createdBy})
    returning id`.execute(db);
  return added.rows[0]!.id;
}
