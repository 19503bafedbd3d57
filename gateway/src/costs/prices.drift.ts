import type { Pico } from "../lib/money.ts";
import { costOf } from "./cost.ts";
import { pricesInForce } from "./prices.list.ts";
import { catalogueRowOf } from "./prices.rows.ts";
import type { ModelTraffic } from "./prices.traffic.ts";
import { type PriceBook, type PriceRow, priceRowOf } from "./prices.ts";
import { isUseKind, type Kind, kinds, tellingKinds } from "./rates.kinds.ts";
import { type Rates, ratesAt } from "./rates.ts";

/** warn: more than 1 % apart. red: more than 25 %. */
export type Severity = "ok" | "warn" | "red";

/** One kind of token at one length of call, or of use: what the book charges, and what the catalogue says. */
export type UnitDrift = {
  readonly unit: Kind;
  /** 0: any call. Else calls of more input tokens than that. */
  readonly aboveInput: number;
  readonly bookPico: Pico;
  readonly cataloguePico: Pico;
  /** Book by catalogue; undefined where the catalogue says that it is free. */
  readonly ratio: number | undefined;
  readonly severity: Severity;
};

export type RowDrift = {
  readonly row: PriceRow;
  readonly catalogueRow: PriceRow;
  /** The worst of its units. */
  readonly severity: Severity;
  readonly units: readonly UnitDrift[];
  /** What the traffic would have cost more at the catalogue's rates; tiers left aside, cache writes as input, audio and images as text. */
  readonly effectPico: Pico;
};

export type Drift = {
  readonly rows: readonly RowDrift[];
  /** Models that were called and have no price but the default. */
  readonly unpriced: readonly ModelTraffic[];
};

const severities: readonly Severity[] = ["ok", "warn", "red"];

/** How far the operator's, the configured and the shipped prices in force are from the public catalogue's. */
export function driftOf(book: PriceBook, traffic: readonly ModelTraffic[], at: number): Drift {
  const priced = traffic.map((sum) => ({ sum, row: priceRowOf(book, sum.provider, sum.model, at) }));
  const rows = pricesInForce(book, at).flatMap((row): readonly RowDrift[] => {
    if (row.price.source === "catalogue" || row.price.source === "default") return [];
    const catalogueRow = catalogueRowOf(row.provider, row.model, at);
    if (catalogueRow === undefined) return [];
    const compared = compare(row.price.rates, catalogueRow.price.rates);
    const worst = Math.max(...compared.map(({ severity }) => severities.indexOf(severity)));
    const own = priced.filter((each) => each.row?.price.id === row.price.id).map(({ sum }) => sum);
    const effectPico = own.reduce((sum, each) => sum + effectOf(each, row, catalogueRow), 0n);
    return [{ row, catalogueRow, severity: severities[worst]!, units: compared, effectPico }];
  });
  const unpriced = priced.filter(({ row }) => row === undefined || row.price.source === "default");
  return { rows, unpriced: unpriced.map(({ sum }) => sum) };
}

function compare(book: Rates, catalogue: Rates): readonly UnitDrift[] {
  const lengths = [...book.tiers, ...catalogue.tiers].map(({ aboveInput }) => aboveInput);
  return [...new Set([0, ...lengths])].flatMap((aboveInput) => {
    const ours = { ...book, ...ratesAt(book, aboveInput + 1) };
    const theirs = { ...catalogue, ...ratesAt(catalogue, aboveInput + 1) };
    const told = new Set([...tellingKinds(ours), ...tellingKinds(theirs)]);
    const units = kinds.filter((kind) => told.has(kind) && (aboveInput === 0 || !isUseKind(kind)));
    return units.map((unit) => unitDrift(unit, aboveInput, ours[unit], theirs[unit]));
  });
}

function unitDrift(unit: Kind, aboveInput: number, bookPico: Pico, cataloguePico: Pico): UnitDrift {
  const ratio = cataloguePico === 0n ? undefined : Number(bookPico) / Number(cataloguePico);
  return { unit, aboveInput, bookPico, cataloguePico, ratio, severity: severityOf(bookPico, cataloguePico) };
}

function severityOf(book: Pico, catalogue: Pico): Severity {
  const apart = (book > catalogue ? book - catalogue : catalogue - book) * 100n;
  if (apart > 25n * catalogue) return "red";
  return apart > catalogue ? "warn" : "ok";
}

function effectOf(sum: ModelTraffic, row: PriceRow, catalogueRow: PriceRow): Pico {
  const { inputTokens: input, cachedInputTokens: cacheRead, outputTokens: output } = sum;
  const usage = { input, cacheRead, cacheWrite5m: 0, cacheWrite1h: 0, output, reasoning: 0 };
  const atBase = ({ price }: PriceRow) => costOf(usage, { ...price.rates, tiers: [] });
  return atBase(catalogueRow) - atBase(row);
}
