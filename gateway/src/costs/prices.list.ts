import { catalogue } from "./catalogue.ts";
import { isPattern } from "./model-patterns.ts";
import { type PriceBook, type PriceRow, priceRowOf } from "./prices.ts";

/** Every model with a row in a book of this installation, under the name its row has. */
export function pricedModels(book: PriceBook): readonly PriceRow[] {
  return namedRows(book).filter(({ model }) => !isPattern(model));
}

/** Every row that prices some model at a time, in the order of their names. */
export function pricesInForce(book: PriceBook, at: number): readonly PriceRow[] {
  const named = [...namedRows(book), ...catalogue().models];
  const rows = named.map(({ provider, model }) => priceRowOf(book, provider, model, at));
  const perId = new Map(
    [...rows, book.fallback].flatMap((row) =>
      row === undefined ? [] : [[`${row.price.source} ${row.price.id}`, row] as const],
    ),
  );
  return [...perId.values()].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** Where a row stands in the order of names. */
export function placeOf({ provider, model }: { provider: string; model: string }): string {
  return `${provider}/${model}`;
}

function namedRows({ books }: PriceBook): readonly PriceRow[] {
  return books.toReversed().flatMap(({ named }) => [...named.values()].map(([newest]) => newest!));
}
