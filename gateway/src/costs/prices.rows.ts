import { type CatalogueModel, catalogue } from "./catalogue.ts";
import { isPattern } from "./model-patterns.ts";
import { providerName, spelling } from "./names.ts";
import type { ListedPrice, OperatorPrice, PriceRow } from "./prices.ts";
import { ratesFrom } from "./rates.ts";
import { withServiceTiers } from "./served-tiers.ts";

/** What the public catalogue says that a model costs at a time; undefined if it does not know the model. */
export function catalogueRowOf(provider: string, model: string, at: number): PriceRow | undefined {
  const row = isPattern(model) ? undefined : catalogue().find(provider, model);
  return row === undefined ? undefined : inForce(catalogueRows(row), at);
}

/** The name that all spellings of a model share. */
export function keyOf({ provider, model }: { provider: string; model: string }): string {
  return `${providerName(provider)}/${spelling(model)}`;
}

/** The first row that is in force at a time. */
export function inForce(rows: readonly PriceRow[], at: number): PriceRow | undefined {
  return rows.find(({ effectiveFromMs }) => effectiveFromMs === undefined || effectiveFromMs <= at);
}

export function operatorRow({ id, rates, ...row }: OperatorPrice): PriceRow {
  return { ...row, price: { source: "operator", id: String(id), rates } };
}

export function listedRow(
  source: "configured" | "shipped",
  { provider, model, rates }: ListedPrice,
): PriceRow {
  const listed = ratesFrom(rates);
  const known = source === "shipped" ? withServiceTiers(provider, model, listed) : listed;
  const price = { source, id: `${provider}/${model}`, rates: known };
  return { provider, model, effectiveFromMs: undefined, price };
}

/** Newest first. The oldest price counts for the time before it, too. */
export function catalogueRows({ provider, model, prices }: CatalogueModel): readonly PriceRow[] {
  const id = `catalogue:${catalogue().version}:${provider}/${model}`;
  return prices.map(({ from, ...rates }, index) => ({
    provider,
    model,
    effectiveFromMs: from === undefined || index === prices.length - 1 ? undefined : Date.parse(from),
    price: { source: "catalogue", id, rates: withServiceTiers(provider, model, ratesFrom(rates)) },
  }));
}
