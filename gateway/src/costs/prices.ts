import { modelNames, providerName, spelling } from "./names.ts";
import { shippedPrices } from "./prices.shipped.ts";
import { type Rates, type RatesPerMillion, ratesFrom } from "./rates.ts";

export type PriceSource = "operator" | "configured" | "shipped" | "default";

/** What a call is charged at. `id` names the row: the operator's row number, else `provider/model`. */
export type Price = { readonly source: PriceSource; readonly id: string; readonly rates: Rates };

/** A row of the configuration file. */
export type ListedPrice = {
  readonly provider: string;
  readonly model: string;
  readonly rates: RatesPerMillion;
};

/** A row of the table `prices`. */
export type OperatorPrice = {
  readonly id: number;
  readonly provider: string;
  readonly model: string;
  readonly rates: Rates;
  readonly effectiveFromMs: number;
};

/** Every price known, as an immutable value. A change of prices is a new book. */
export type PriceBook = {
  /** Newest first under each name. */
  readonly operator: ReadonlyMap<string, readonly OperatorPrice[]>;
  readonly configured: ReadonlyMap<string, Price>;
  readonly shipped: ReadonlyMap<string, Price>;
  /** For a model in no book; undefined where such models are denied (C11). */
  readonly fallback: Price | undefined;
  readonly owners: ReadonlyMap<string, string>;
};

/** `unknown` is the policy for a model in no book: charge `defaults`, or deny. */
export function priceBook(parts: {
  readonly operator: readonly OperatorPrice[];
  readonly configured: readonly ListedPrice[];
  readonly defaults: RatesPerMillion;
  readonly unknown: "default" | "deny";
}): PriceBook {
  const newestFirst = parts.operator.toSorted((a, b) => b.effectiveFromMs - a.effectiveFromMs || b.id - a.id);
  return {
    operator: Map.groupBy(newestFirst, keyOf),
    configured: listed("configured", parts.configured),
    shipped: listed("shipped", shippedPrices),
    fallback:
      parts.unknown === "deny"
        ? undefined
        : { source: "default", id: "default", rates: ratesFrom(parts.defaults) },
    owners: ownersOf([...shippedPrices, ...parts.configured, ...parts.operator]),
  };
}

/**
 * The price of a model at a time (milliseconds since the epoch): the operator's newest row in force, else the
 * configuration file's, else the shipped one, else the fallback. Undefined: this model is denied for want of a price.
 */
export function priceOf(book: PriceBook, provider: string, model: string, at: number): Price | undefined {
  const owner = providerName(provider);
  const keys = modelNames(model).map((name) => `${owner}/${name}`);
  return (
    first(keys, (key) => inForce(book, key, at)) ??
    first(keys, (key) => book.configured.get(key)) ??
    first(keys, (key) => book.shipped.get(key)) ??
    book.fallback
  );
}

/**
 * The provider that a model named without one belongs to. Where several sell it, the shipped book decides, then the
 * configuration file, then the operator's oldest row: a new price never moves a model to another provider.
 */
export function ownerOf(book: PriceBook, model: string): string | undefined {
  return first(modelNames(model), (name) => book.owners.get(name));
}

/** Every model with a price of its own, under the name its row has. */
export function pricedModels(
  book: PriceBook,
): readonly { readonly provider: string; readonly model: string }[] {
  const ids = [...book.shipped.values(), ...book.configured.values()].map(({ id }) => id);
  const named = ids.map((id) => ({
    provider: id.slice(0, id.indexOf("/")),
    model: id.slice(id.indexOf("/") + 1),
  }));
  return [...named, ...[...book.operator.values()].map((rows) => rows[0]!)];
}

function inForce(book: PriceBook, key: string, at: number): Price | undefined {
  const row = book.operator.get(key)?.find(({ effectiveFromMs }) => effectiveFromMs <= at);
  return row && { source: "operator", id: String(row.id), rates: row.rates };
}

function listed(source: "configured" | "shipped", rows: readonly ListedPrice[]): ReadonlyMap<string, Price> {
  return new Map(
    rows.map((row) => [
      keyOf(row),
      { source, id: `${row.provider}/${row.model}`, rates: ratesFrom(row.rates) },
    ]),
  );
}

function ownersOf(rows: readonly { provider: string; model: string }[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { provider, model } of rows) {
    const name = spelling(model);
    if (!owners.has(name)) owners.set(name, providerName(provider));
  }
  return owners;
}

function keyOf({ provider, model }: { provider: string; model: string }): string {
  return `${providerName(provider)}/${spelling(model)}`;
}

function first<A, B>(items: readonly A[], find: (item: A) => B | undefined): B | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
