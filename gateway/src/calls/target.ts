import { ownerOf, type Price, type PriceBook, priceOf } from "../costs/prices.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Provider } from "../providers/provider.ts";

/** Which provider answers a call, under which name it knows the model, and at what price. */
export type Target = { readonly provider: Provider; readonly model: string; readonly price: Price };

export type Routes = {
  readonly providers: ReadonlyMap<string, Provider>;
  /** The operator's own model names: `fast` → `openai/gpt-5.1`. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Takes bare names that nobody knows. */
  readonly fallback: Provider;
};

/** Providers that model names may begin with, configured or not. */
const KNOWN_PREFIXES: ReadonlySet<string> = new Set(["openai", "anthropic", "google", "groq", "xai"]);

/**
 * Resolves a model name: an alias, else `provider/model`, else the provider that the price book knows it from, else
 * the default provider. The simulated provider, where nothing else is configured, takes every name. Throws
 * MODEL_NOT_FOUND if no configured provider can take it, PRICE_UNKNOWN if models without a price are denied.
 * @param now milliseconds since the epoch: which price rows are in force.
 */
export function targetOf(routes: Routes, book: PriceBook, asked: string, now: number): Target {
  const found = providerOf(routes, book, routes.aliases.get(asked) ?? asked);
  if (found === undefined) throw new TollgateError("MODEL_NOT_FOUND", { model: asked });
  const price = priceOf(book, found.provider.name, found.model, now);
  if (price === undefined) throw new TollgateError("PRICE_UNKNOWN", { model: asked });
  return { ...found, price };
}

function providerOf(
  { providers, fallback }: Routes,
  book: PriceBook,
  name: string,
): { provider: Provider; model: string } | undefined {
  const slash = name.indexOf("/");
  const prefix = name.slice(0, Math.max(0, slash));
  const named = providers.get(prefix);
  if (named !== undefined && slash < name.length - 1)
    return { provider: named, model: name.slice(slash + 1) };
  if (fallback.simulated) return { provider: fallback, model: name };
  if (KNOWN_PREFIXES.has(prefix)) return undefined;
  const offering = providers.values().find(({ models }) => models.includes(name));
  if (offering !== undefined) return { provider: offering, model: name };
  const owner = ownerOf(book, name);
  const provider = owner === undefined ? fallback : providers.get(owner);
  return provider === undefined ? undefined : { provider, model: name };
}
