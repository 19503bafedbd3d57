import { type Selectable, sql } from "kysely";
import type { PricesTable } from "../store/tables.costs.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { OperatorPrice, PriceBook } from "./prices.ts";
import { eachRate } from "./rates.kinds.ts";
import {
  completeRates,
  type KnownRates,
  knownOfJson,
  type Rates,
  type RatesDigits,
  type RatesJson,
  ratesJson,
} from "./rates.ts";

export type NewPrice = {
  readonly provider: string;
  readonly model: string;
  readonly rates: KnownRates;
  readonly effectiveFromMs: number;
  readonly createdAtMs: number;
  readonly createdBy: string;
};

/** The price book of this process. */
export type Prices = {
  /** The book in force. */
  readonly prices: () => PriceBook;
  /** Reads the book anew. It is in force from now on. */
  readonly readPrices: () => Promise<PriceBook>;
  /** The book with these rows of the operator's. */
  readonly bookOf: (operator: readonly OperatorPrice[]) => PriceBook;
};

export async function openPrices({
  load,
  bookOf,
}: Pick<Prices, "bookOf"> & { readonly load: () => Promise<readonly OperatorPrice[]> }): Promise<Prices> {
  let turns = 0;
  let shown = 0;
  let book = bookOf([]);
  async function readPrices(): Promise<PriceBook> {
    const turn = ++turns;
    const read = bookOf(await load());
    // A slow read does not take back what a later one has found.
    if (turn > shown) {
      shown = turn;
      book = read;
    }
    return book;
  }
  await readPrices();
  return { bookOf, readPrices, prices: () => book };
}

/** The operator's whole book, past and future rows too, oldest first: what a call cost stays explainable. */
export async function loadPrices(db: Db): Promise<readonly OperatorPrice[]> {
  const rows = await db.selectFrom("prices").selectAll().orderBy("id").execute();
  return rows.map((row) => ({
    id: row.id,
    provider: row.provider,
    model: row.model,
    rates: storedRates(row),
    effectiveFromMs: row.effective_from.getTime(),
  }));
}

/** Until the transaction ends, nobody else changes the operator's book; it can be read as ever. */
export async function holdPrices(tx: Tx): Promise<readonly OperatorPrice[]> {
  await sql`lock table prices in share row exclusive mode`.execute(tx);
  return loadPrices(tx);
}

/** Adds a row to the operator's book and returns its number. Rows are never changed: a newer one takes over. */
export async function addPrice(db: Db, { rates, ...price }: NewPrice): Promise<number> {
  const { id } = await db
    .insertInto("prices")
    .values({
      provider: price.provider,
      model: price.model,
      input_pico: String(rates.input),
      cached_input_pico: rates.cachedInput?.toString() ?? null,
      cache_write_5m_pico: rates.cacheWrite5m?.toString() ?? null,
      cache_write_1h_pico: rates.cacheWrite1h?.toString() ?? null,
      output_pico: String(rates.output),
      tiers: JSON.stringify(ratesJson(completeRates(rates)).tiers ?? []),
      more_rates: JSON.stringify(moreRates(rates)),
      effective_from: new Date(price.effectiveFromMs),
      created_at: new Date(price.createdAtMs),
      created_by: price.createdBy,
    })
    .returning("id")
    .executeTakeFirstOrThrow();
  return id;
}

/** Decimal digits of the kinds that have no column, as far as they are known. */
type MoreRates = Partial<RatesDigits> & { readonly serviceTiers?: Readonly<Record<string, RatesJson>> };

function moreRates(rates: KnownRates): MoreRates {
  const { input, cachedInput, cacheWrite5m, cacheWrite1h, output, tiers, serviceTiers, ...others } = rates;
  const served = completeRates(rates).serviceTiers.entries();
  return {
    ...eachRate(others, String),
    serviceTiers: Object.fromEntries(
      served.map(([name, tier]) => [name, { ...ratesJson(tier), ...uses(tier) }]),
    ),
  };
}

/** Told even where they are the list price: left out they would be those of the standard. */
function uses({ webSearch, fileSearch }: Rates) {
  return { webSearch: String(webSearch), fileSearch: String(fileSearch) };
}

function storedRates(row: Selectable<PricesTable>): Rates {
  const { serviceTiers = {}, ...others } = row.more_rates as MoreRates;
  const known = knownOfJson({
    ...others,
    input: row.input_pico,
    cachedInput: row.cached_input_pico ?? undefined,
    cacheWrite5m: row.cache_write_5m_pico ?? undefined,
    cacheWrite1h: row.cache_write_1h_pico ?? undefined,
    output: row.output_pico,
    tiers: row.tiers as RatesJson["tiers"],
  });
  const served = Object.entries(serviceTiers).map(([name, tier]) => [name, knownOfJson(tier)] as const);
  return completeRates({ ...known, serviceTiers: new Map(served) });
}
