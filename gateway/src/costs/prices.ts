import { catalogue } from "./catalogue.ts";
import { isPattern, literalLength, matchesPattern } from "./model-patterns.ts";
import { modelNames, providerName, spelling } from "./names.ts";
import { catalogueRows, inForce, keyOf, listedRow, operatorRow } from "./prices.rows.ts";
import { shippedPrices } from "./prices.shipped.ts";
import { type Rates, type RatesPerMillion, ratesFrom } from "./rates.ts";

export type PriceSource = "operator" | "configured" | "shipped" | "catalogue" | "default";

/**
 * What a call is charged at. `id` names the row for ever: the operator's row number, `provider/model` of the
 * configuration file and of the shipped book, `catalogue:<version>:provider/model`.
 */
export type Price = { readonly source: PriceSource; readonly id: string; readonly rates: Rates };

/** Charged at the default rates, because no book has the model (C11). */
export function isUnpriced({ source }: Pick<Price, "source">): boolean {
  return source === "default";
}

/** A row of a book. Its model may be a pattern (`gpt-5*`). Without a time it is in force since ever. The row for a model in no book is that of `*`. */
export type PriceRow = {
  readonly provider: string;
  readonly model: string;
  readonly effectiveFromMs: number | undefined;
  readonly price: Price;
};

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

/** The rows of one source. */
type Book = {
  /** By the name that all spellings of a model share, newest first. */
  readonly named: ReadonlyMap<string, readonly PriceRow[]>;
  /** Those whose model has a star: the ones that say most first, then the newest. */
  readonly patterns: readonly PriceRow[];
};

/** Every price known, as a value that answers the same for ever. A change of prices is a new book. */
export type PriceBook = {
  /** The operator's, the configuration file's and the shipped one, in this order. */
  readonly books: readonly Book[];
  /** For a model in no book; undefined where such models are denied (C11). */
  readonly fallback: PriceRow | undefined;
  readonly owners: ReadonlyMap<string, string>;
  /** What was looked up before: rows by provider and model as asked, owners by model. */
  readonly found: {
    readonly rows: Map<string, readonly PriceRow[]>;
    readonly owners: Map<string, string | undefined>;
  };
};

/** Callers choose names freely: names beyond this many begin a new collection, and longer ones are not kept. */
const MOST_FOUND = 2_000;
const LONGEST_FOUND = 300;

/** `unknown` is the policy for a model in no book: charge `defaults`, or deny. */
export function priceBook(parts: {
  readonly operator: readonly OperatorPrice[];
  readonly configured: readonly ListedPrice[];
  readonly defaults: RatesPerMillion;
  readonly unknown: "default" | "deny";
}): PriceBook {
  const newestFirst = parts.operator.toSorted((a, b) => b.effectiveFromMs - a.effectiveFromMs || b.id - a.id);
  const fallback: Price = { source: "default", id: "default", rates: ratesFrom(parts.defaults) };
  return {
    books: [
      bookOf(newestFirst.map(operatorRow)),
      bookOf(parts.configured.map((row) => listedRow("configured", row))),
      bookOf(shippedPrices.map((row) => listedRow("shipped", row))),
    ],
    fallback:
      parts.unknown === "deny"
        ? undefined
        : { provider: "*", model: "*", effectiveFromMs: undefined, price: fallback },
    owners: ownersOf([...shippedPrices, ...parts.configured, ...parts.operator]),
    found: { rows: new Map(), owners: new Map() },
  };
}

/**
 * The row that prices a model at a time (milliseconds since the epoch): the operator's newest in force, else the
 * configuration file's, else the shipped one, else the public catalogue's, else the fallback. In each book a row that
 * names the model goes before one whose pattern matches it. Undefined: this model is denied for want of a price.
 */
export function priceRowOf(
  book: PriceBook,
  provider: string,
  model: string,
  at: number,
): PriceRow | undefined {
  const rows = remembered(book.found.rows, `${provider}/${model}`, () => candidates(book, provider, model));
  return inForce(rows, at) ?? book.fallback;
}

export function priceOf(book: PriceBook, provider: string, model: string, at: number): Price | undefined {
  return priceRowOf(book, provider, model, at)?.price;
}

/**
 * The provider that a model named without one belongs to. Where several sell it, the shipped book decides, then the
 * configuration file, then the operator's oldest row, then the catalogue: a new price never moves a model to another
 * provider, and a pattern takes none to it.
 */
export function ownerOf(book: PriceBook, model: string): string | undefined {
  return remembered(book.found.owners, model, () => {
    const owners = modelNames(model).map((name) => book.owners.get(name));
    return owners.find((owner) => owner !== undefined) ?? catalogue().ownerOf(model);
  });
}

function remembered<Found>(found: Map<string, Found>, key: string, find: () => Found): Found {
  if (found.has(key)) return found.get(key) as Found;
  if (found.size >= MOST_FOUND) found.clear();
  const value = find();
  if (key.length <= LONGEST_FOUND) found.set(key, value);
  return value;
}

/** Rows are newest first. */
function bookOf(rows: readonly PriceRow[]): Book {
  const patterns = rows.filter(({ model }) => isPattern(model));
  return {
    named: Map.groupBy(rows, keyOf),
    patterns: patterns.toSorted((a, b) => literalLength(b.model) - literalLength(a.model)),
  };
}

/** Best first; which one it is depends on the time only. */
function candidates({ books }: PriceBook, provider: string, model: string): readonly PriceRow[] {
  const owner = providerName(provider);
  const names = modelNames(model);
  const isMeant = (row: PriceRow) =>
    providerName(row.provider) === owner && names.some((name) => matchesPattern(spelling(row.model), name));
  const row = catalogue().find(provider, model);
  return [
    ...books.flatMap(({ named, patterns }) => [
      ...names.flatMap((name) => named.get(`${owner}/${name}`) ?? []),
      ...patterns.filter(isMeant),
    ]),
    ...(row === undefined ? [] : catalogueRows(row)),
  ];
}

function ownersOf(rows: readonly { provider: string; model: string }[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { provider, model } of rows.filter((row) => !isPattern(row.model))) {
    const name = spelling(model);
    if (!owners.has(name)) owners.set(name, providerName(provider));
  }
  return owners;
}
