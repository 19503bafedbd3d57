import { ownerOf, type Price, type PriceBook, priceOf } from "../costs/prices.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Chance } from "../lib/ids.ts";
import type { Provider } from "../providers/provider.ts";
import { type Alias, type AliasTarget, drawn } from "./aliases.ts";
import type { Format } from "./formats.ts";
import type { AiRequest } from "./request.ts";
import { purged, type Translation, translatedTo, translation } from "./translation.ts";

/** One way to answer a call: which provider, under which name it knows the model, in which format, at what price. */
export type Target = {
  readonly provider: Provider;
  readonly model: string;
  readonly price: Price;
  /** How the provider is asked. */
  readonly format: Format;
  /** If what the client asks is not what the provider takes. */
  readonly translation: Translation | undefined;
  /** Until the first byte of its answer; undefined: the provider's own time-out. */
  readonly timeoutMs: number | undefined;
};

/** Who may answer a call, in the order in which they are asked. */
export type Route = {
  readonly targets: readonly [Target, ...Target[]];
  /** How often each is asked again. */
  readonly retries: number;
};

export type Routes = {
  readonly providers: ReadonlyMap<string, Provider>;
  readonly aliases: ReadonlyMap<string, Alias>;
  /** Takes bare names that nobody knows. */
  readonly fallback: Provider;
  /** Names of providers that were here. */
  readonly removed: ReadonlySet<string>;
};

/** Providers that model names may begin with, configured or not. */
const KNOWN_PREFIXES: ReadonlySet<string> = new Set(["openai", "anthropic", "google", "groq", "xai"]);

export type RouteDeps = {
  readonly routes: () => Routes;
  readonly prices: () => PriceBook;
  readonly chance: Chance;
};

/** What is asked for, when, and what the caller may use. */
export type Asking = {
  readonly request: AiRequest;
  /** Milliseconds since the epoch: which price rows are in force. */
  readonly now: number;
  /** Throws MODEL_NOT_ALLOWED for a target under the name asked for. */
  readonly permit: (target: Pick<Target, "provider" | "model">, asked?: string) => void;
};

/**
 * Resolves a model name: an alias, else `provider/model`, else a provider that lists it, else the one that the price
 * book knows it from, else the default provider, which for Anthropic's clients is Anthropic if it is there. A name under
 * a provider that is not here goes to nobody else; the simulated provider, where nothing else is configured, takes every
 * other. Of an alias's targets those remain that can take the call. Throws why there are none: MODEL_NOT_FOUND,
 * PRICE_UNKNOWN, MODEL_NOT_ALLOWED, VALIDATION_FAILED.
 */
export function routeOf({ routes, prices, chance }: RouteDeps, asking: Asking): Route {
  const known = routes();
  const { model } = asking.request;
  const alias = known.aliases.get(model) ?? aliasFor(model);
  const targets: Target[] = [];
  let refusal: unknown;
  for (const each of drawn(alias.targets, chance)) {
    try {
      targets.push(targetOf(known, prices(), asking, each));
    } catch (error) {
      if (!(error instanceof TollgateError)) throw error;
      refusal ??= error;
    }
  }
  const [first, ...others] = targets;
  if (first === undefined) throw refusal;
  return { targets: [first, ...others], retries: alias.retries };
}

function aliasFor(model: string): Alias {
  return { targets: [{ model, order: 0, weight: 1, timeoutMs: undefined }], retries: 0 };
}

function targetOf(
  routes: Routes,
  book: PriceBook,
  asking: Asking,
  { model, timeoutMs }: AliasTarget,
): Target {
  const { request, permit, now } = asking;
  const found = providerOf(routes, book, request.format, model);
  if ("missing" in found) throw notHere(request.model, found.missing);
  permit(found);
  for (const other of request.otherModels) permit({ ...found, model: other }, other);
  const price = priceOf(book, found.provider.name, found.model, now);
  if (price === undefined) throw new TollgateError("PRICE_UNKNOWN", { model: request.model });
  return { ...found, ...asked(request, found), price, timeoutMs };
}

function providerOf(
  { providers, fallback, removed }: Routes,
  book: PriceBook,
  format: Format,
  name: string,
): { provider: Provider; model: string } | { missing: string } {
  const slash = name.indexOf("/");
  const prefix = name.slice(0, Math.max(0, slash));
  const named = providers.get(prefix);
  if (named !== undefined && slash < name.length - 1)
    return { provider: named, model: name.slice(slash + 1) };
  const offering = providers.values().find(({ models }) => models.includes(name));
  if (offering !== undefined) return { provider: offering, model: name };
  if (removed.has(prefix)) return { missing: prefix };
  if (fallback.simulated) return { provider: fallback, model: name };
  if (KNOWN_PREFIXES.has(prefix)) return { missing: prefix };
  const owner = ownerOf(book, name);
  if (owner !== undefined) {
    const provider = providers.get(owner);
    return provider === undefined ? { missing: owner } : { provider, model: name };
  }
  const usual = format.surface === "anthropic" ? (providers.get("anthropic") ?? fallback) : fallback;
  return { provider: usual, model: name };
}

function notHere(model: string, provider: string): TollgateError {
  const why = `it is of ${provider}, which is not configured or names no model`;
  const message = `No provider here can take ${model}: ${why}.`;
  return new TollgateError("MODEL_NOT_FOUND", { model }, { message });
}

/** In the client's own format if the provider speaks it, else translated. */
function asked(
  request: AiRequest,
  { provider: { speaks }, model }: Pick<Target, "provider" | "model">,
): Pick<Target, "format" | "translation"> {
  const { format } = request;
  if (speaks.includes(format.wire.name)) return { format, translation: purged(request) };
  const other = translatedTo(format).find(({ wire }) => speaks.includes(wire.name));
  if (other !== undefined) return { format: other, translation: translation(request, model, other) };
  throw new TollgateError("VALIDATION_FAILED", {
    faults: [{ path: "model", message: "is of a provider that does not take this kind of request" }],
  });
}
