import { type Pico, picoPerTokenFromUsdPerMillion, scaled } from "../lib/money.ts";
import {
  completeTokens,
  completeUses,
  eachRate,
  inputKinds,
  isUseKind,
  type Kind,
  type Known,
  outputKinds,
  type TokenKind,
  type TokenRates,
  tellingKinds,
  type UseRates,
} from "./rates.kinds.ts";

/** What every token of a call costs, from the first on, once its whole input has more than `aboveInput` tokens. */
export type Tier = TokenRates & { readonly aboveInput: number };

/** Pico-USD per token, and per use of a tool. `tiers` are in ascending order. */
export type Rates = TokenRates &
  UseRates & {
    readonly tiers: readonly Tier[];
    /** What calls cost that the provider serves otherwise than by its standard, by its name for that. */
    readonly serviceTiers: ReadonlyMap<string, Rates>;
  };

type KnownTier<Rate> = Known<Rate> & { readonly aboveInput: number };
export type KnownList<Rate> = Known<Rate> & { readonly tiers?: readonly KnownTier<Rate>[] | undefined };
export type KnownBook<Rate> = KnownList<Rate> & {
  readonly serviceTiers?: ReadonlyMap<string, KnownList<Rate>> | undefined;
};

/** Pico-USD per token and per use. */
export type KnownRates = KnownBook<Pico>;

/** USD per million tokens and per thousand uses as decimal text, the way price lists print it. */
export type RatesPerMillion = KnownBook<string>;

/** Throws a RangeError on a rate that is negative or not a decimal number. */
export function ratesFrom({ serviceTiers = noTiers, ...list }: RatesPerMillion): Rates {
  const read = ({ tiers = [], ...rates }: KnownList<string>): KnownList<Pico> => ({
    ...eachRate(rates, rateFrom),
    tiers: tiers.map(({ aboveInput, ...tier }) => ({ ...eachRate(tier, rateFrom), aboveInput })),
  });
  return completeRates({
    ...read(list),
    serviceTiers: new Map(serviceTiers.entries().map(([name, tier]) => [name, read(tier)])),
  });
}

const noTiers: ReadonlyMap<string, never> = new Map<string, never>();

/** A service tier without a rate for a tool is charged the standard one. */
export function completeRates({ serviceTiers = noTiers, ...known }: KnownRates): Rates {
  const complete = ({ tiers = [], ...list }: KnownList<Pico>): Rates => ({
    ...completeTokens(list),
    ...completeUses({
      webSearch: list.webSearch ?? known.webSearch,
      fileSearch: list.fileSearch ?? known.fileSearch,
    }),
    tiers: tiers
      .map(({ aboveInput, ...tier }) => ({ ...completeTokens(tier), aboveInput }))
      .toSorted((a, b) => a.aboveInput - b.aboveInput),
    serviceTiers: noTiers,
  });
  return {
    ...complete(known),
    serviceTiers: new Map(serviceTiers.entries().map(([name, tier]) => [name, complete(tier)])),
  };
}

/**
 * The rates of a call that the provider served so; the standard ones if the tier is undefined or nobody knows it. Of a
 * name that joins several (`priority+us`), the parts that nobody knows change nothing.
 */
export function ratesFor(rates: Rates, serviceTier: string | undefined): Rates {
  const { serviceTiers } = rates;
  if (serviceTier === undefined) return rates;
  const parts = serviceTier.split("+").filter((part) => serviceTiers.has(part));
  const found = [serviceTier, parts.join("+"), ...parts].find((name) => serviceTiers.has(name));
  return found === undefined ? rates : serviceTiers.get(found)!;
}

/** The rates of a call whose whole input, cached or not, has this many tokens. */
export function ratesAt(rates: Rates, inputTokens: number): TokenRates {
  return rates.tiers.findLast(({ aboveInput }) => inputTokens > aboveInput) ?? rates;
}

/** What may be in the input of a call: at most so many tokens, sounds, images. */
export type Content = { readonly mostInput?: number; readonly hears?: boolean; readonly sees?: boolean };

const isHeard: ReadonlySet<TokenKind> = new Set(["audioInput", "cachedAudioInput"]);
const isSeen: ReadonlySet<TokenKind> = new Set(["imageInput", "cachedImageInput"]);

/** The dearest ways in which one token of a call can be charged by any of these. */
export function dearest(
  served: readonly Rates[],
  { mostInput = Number.POSITIVE_INFINITY, hears = true, sees = true }: Content = {},
): { readonly input: Pico; readonly output: Pico } {
  const taken = inputKinds.filter((kind) => (hears || !isHeard.has(kind)) && (sees || !isSeen.has(kind)));
  const reached = served.flatMap((rates) => [
    rates,
    ...rates.tiers.filter(({ aboveInput }) => mostInput > aboveInput),
  ]);
  const most = (kinds: readonly (keyof TokenRates)[]) =>
    reached.flatMap((each) => kinds.map((kind) => each[kind])).reduce((a, b) => (a > b ? a : b));
  return { input: most(taken), output: most(outputKinds) };
}

/** Decimal digits by kind: pico-USD per token and per use. */
export type RatesDigits = Known<string>;
export type RatesJson = RatesDigits & {
  readonly tiers?: readonly (RatesDigits & { readonly aboveInput: number })[] | undefined;
};

/**
 * How the ledger keeps the rates that a call was charged at; `ratesOfJson` reads them back exactly. Kinds that cost
 * what the kind around them costs are left out, beside the plain ones, and so are other service tiers.
 */
export function ratesJson({ tiers, serviceTiers: _, ...rates }: Rates): RatesJson {
  if (tiers.length === 0) return digitsOf(rates);
  const digits = tiers.map(({ aboveInput, ...tier }) => ({ ...digitsOf(tier), aboveInput }));
  return { ...digitsOf(rates), tiers: digits };
}

export function ratesOfJson(json: RatesJson): Rates {
  return completeRates(knownOfJson(json));
}

export function knownOfJson({ tiers = [], ...rates }: RatesJson): KnownList<Pico> {
  return {
    ...eachRate(rates, BigInt),
    tiers: tiers.map(({ aboveInput, ...tier }) => ({ ...eachRate(tier, BigInt), aboveInput })),
  };
}

function digitsOf(rates: TokenRates & Partial<UseRates>): RatesDigits {
  const digits = tellingKinds(rates).map((kind) => [kind, String(rates[kind])]);
  return Object.fromEntries(digits) as RatesDigits;
}

function rateFrom(text: string, kind: Kind): Pico {
  const pico = isUseKind(kind) ? scaled(text, 9) : picoPerTokenFromUsdPerMillion(text);
  if (pico < 0n) throw new RangeError(`a rate cannot be negative: ${text}`);
  return pico;
}
