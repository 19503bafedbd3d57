import { isDeepStrictEqual } from "node:util";
import { type Clock, isoTime } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { type Cause, type Change, changesBetween, type FieldChanges } from "../telemetry/change.ts";
import { providerName } from "./names.ts";
import { catalogueRowOf, keyOf } from "./prices.rows.ts";
import { addPrice, holdPrices, type Prices } from "./prices.stored.ts";
import { type PriceRow, priceRowOf } from "./prices.ts";
import { ratesTold } from "./rates.fields.ts";
import { completeRates, type KnownRates, type Rates } from "./rates.ts";

export type PriceChangeDeps = Omit<Prices, "prices"> & { readonly change: Change; readonly clock: Clock };

export type Named = { readonly provider: string; readonly model: string };

/**
 * Gives a model a price from a time on (milliseconds since the epoch, also in the future; now, if left out). What
 * calls cost before stays as it was. If the operator's row in force then says the same already, it stays.
 */
export async function setPrice(
  deps: PriceChangeDeps,
  cause: Cause,
  named: Named & { readonly rates: KnownRates; readonly effectiveFromMs?: number | undefined },
  reason?: string,
): Promise<PriceRow> {
  const { change, clock, bookOf, readPrices } = deps;
  const provider = providerName(named.provider);
  const { model } = named;
  const rates = completeRates(named.rates);
  const row = await change(cause, async (tx, note) => {
    const book = bookOf(await holdPrices(tx));
    const createdAtMs = clock.now();
    const { effectiveFromMs = createdAtMs } = named;
    const before = priceRowOf(book, provider, model, effectiveFromMs);
    if (
      before !== undefined &&
      isOperatorsFor(before, { provider, model }) &&
      isDeepStrictEqual(before.price.rates, rates)
    ) {
      return before;
    }
    const createdBy = cause.actor.id;
    const id = await addPrice(tx, {
      provider,
      model,
      rates: named.rates,
      effectiveFromMs,
      createdAtMs,
      createdBy,
    });
    const after: PriceRow = {
      provider,
      model,
      effectiveFromMs,
      price: { source: "operator", id: String(id), rates },
    };
    note({
      action: "price.change",
      target: { type: "price", id: `${provider}/${model}` },
      changes: changesTold(before, after),
      ...(reason === undefined ? {} : { reason }),
    });
    return after;
  });
  await readPrices();
  return row;
}

/** Gives a model the price that the public catalogue has for it now. Throws NOT_FOUND if it has none. */
export async function adoptPrice(deps: PriceChangeDeps, cause: Cause, named: Named): Promise<PriceRow> {
  const row = catalogueRowOf(named.provider, named.model, deps.clock.now());
  if (row === undefined) throw new TollgateError("NOT_FOUND", undefined, { message: NOT_IN_CATALOGUE });
  return setPrice(deps, cause, { ...named, rates: row.price.rates }, `adopted ${row.price.id}`);
}

const NOT_IN_CATALOGUE = "The public catalogue has no price for this model. Set one yourself.";

function isOperatorsFor(row: PriceRow, named: Named): boolean {
  return row.price.source === "operator" && keyOf(row) === keyOf(named);
}

/** A kind that has no price of its own any more is null. */
function changesTold(before: PriceRow | undefined, after: PriceRow): FieldChanges {
  const was = before === undefined ? {} : told(before);
  const gone = Object.fromEntries(Object.keys(was).map((field) => [field, null]));
  return changesBetween(was, { ...gone, ...told(after) }) ?? {};
}

/** A row as the audit log tells it: USD per million tokens, and per thousand uses of a tool. */
function told({ price: { source, rates }, effectiveFromMs }: PriceRow): Readonly<Record<string, unknown>> {
  return {
    source,
    ...listTold(rates),
    service_tiers: Object.fromEntries(
      rates.serviceTiers.entries().map(([name, tier]) => [name, listTold(tier)]),
    ),
    effective_from: effectiveFromMs === undefined ? null : isoTime(effectiveFromMs),
  };
}

function listTold(rates: Rates) {
  const tiers = rates.tiers.map((tier) => ({ above_input_tokens: tier.aboveInput, ...ratesTold(tier) }));
  return { ...ratesTold(rates), tiers };
}
