import { providerAliases, shippedPrices } from "./prices.shipped.ts";

/**
 * The names under which a model's price is looked up, the most exact first: as it was asked for, then without its
 * date, then the model it is an alias of.
 */
export function modelNames(model: string): readonly string[] {
  const asked = spelling(model);
  const short = undated(asked);
  const known = modelAliases.get(short) ?? short;
  return [...new Set([asked, short, known])];
}

/** What the model of the shipped book is called elsewhere. */
export function aliasesOf(model: string): readonly string[] {
  const [name] = modelNames(model).slice(-1);
  return shippedPrices.find((row) => spelling(row.model) === name)?.aliases.map(spelling) ?? [];
}

/** The one spelling of a model name: lower case, and a dash where some write a dot. */
export function spelling(model: string): string {
  return plainName(model).replaceAll(".", "-");
}

/** Google's clients may say `models/` in front of a name. */
export function plainName(model: string): string {
  return model.toLowerCase().replace(/^models\//, "");
}

export function undated(model: string): string {
  return model.replace(DATE_SUFFIX, "");
}

export function providerName(provider: string): string {
  const name = provider.toLowerCase();
  return providerAliases[name] ?? name;
}

/** `-20250514`, `@20250514`, `-2025-11-13`, `-latest` */
const DATE_SUFFIX = /[-@](?:\d{8}|\d{4}-\d{2}-\d{2}|latest)$/;

const modelAliases: ReadonlyMap<string, string> = new Map(
  shippedPrices.flatMap(({ model, aliases }) => aliases.map((alias) => [spelling(alias), spelling(model)])),
);
