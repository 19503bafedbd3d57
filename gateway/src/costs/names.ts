import { providerAliases, shippedPrices } from "./prices.shipped.ts";

/**
 * The names under which a model's price is looked up, the most exact first: as it was asked for, then without its
 * date, then the model it is an alias of.
 */
export function modelNames(model: string): readonly string[] {
  const asked = spelling(model);
  const undated = asked.replace(DATE_SUFFIX, "");
  const known = modelAliases.get(undated) ?? undated;
  return [...new Set([asked, undated, known])];
}

/** The one spelling of a model name: lower case, and a dash where some write a dot. */
export function spelling(model: string): string {
  return model.toLowerCase().replaceAll(".", "-");
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
