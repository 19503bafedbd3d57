import { type Pico, picoPerTokenFromUsdPerMillion } from "../lib/money.ts";

/** What one token of each kind costs, in pico-USD. */
export type TokenRates = {
  readonly input: Pico;
  readonly cachedInput: Pico;
  readonly cacheWrite5m: Pico;
  readonly cacheWrite1h: Pico;
  readonly output: Pico;
};

/** What every token of a call costs, from the first on, once its whole input has more than `aboveInput` tokens. */
export type Tier = TokenRates & { readonly aboveInput: number };

/** `tiers` are in ascending order. */
export type Rates = TokenRates & { readonly tiers: readonly Tier[] };

/** Rates as far as they are known. A kind left out costs what `completeRates` says. */
type Known<Rate> = {
  readonly input: Rate;
  readonly cachedInput?: Rate | undefined;
  readonly cacheWrite5m?: Rate | undefined;
  readonly cacheWrite1h?: Rate | undefined;
  readonly output: Rate;
};
type KnownWithTiers<Rate> = Known<Rate> & {
  readonly tiers?: readonly (Known<Rate> & { readonly aboveInput: number })[] | undefined;
};

/** Pico-USD per token. */
export type KnownRates = KnownWithTiers<Pico>;

/** USD per million tokens as decimal text, the way price lists print it. */
export type RatesPerMillion = KnownWithTiers<string>;

/** Throws a RangeError on a rate that is negative or not a decimal number. */
export function ratesFrom({ tiers = [], ...list }: RatesPerMillion): Rates {
  return completeRates({
    ...each(list, rate),
    tiers: tiers.map(({ aboveInput, ...tier }) => ({ ...each(tier, rate), aboveInput })),
  });
}

/** A kind without a rate of its own is charged as the kind it belongs to, never as nothing. */
export function completeRates({ tiers = [], ...known }: KnownRates): Rates {
  return {
    ...complete(known),
    tiers: tiers
      .map(({ aboveInput, ...tier }) => ({ ...complete(tier), aboveInput }))
      .toSorted((a, b) => a.aboveInput - b.aboveInput),
  };
}

/** The rates of a call whose whole input, cached or not, has this many tokens. */
export function ratesAt(rates: Rates, inputTokens: number): TokenRates {
  return rates.tiers.findLast(({ aboveInput }) => inputTokens > aboveInput) ?? rates;
}

/** The dearest ways in which one token can be charged to a call of at most `mostInput` input tokens. */
export function dearest(
  rates: Rates,
  mostInput = Number.POSITIVE_INFINITY,
): { readonly input: Pico; readonly output: Pico } {
  let { input, output } = rates;
  for (const reached of [rates, ...rates.tiers.filter(({ aboveInput }) => mostInput > aboveInput)]) {
    for (const each of [reached.input, reached.cachedInput, reached.cacheWrite5m, reached.cacheWrite1h]) {
      if (each > input) input = each;
    }
    if (reached.output > output) output = reached.output;
  }
  return { input, output };
}

export type RatesJson = Record<keyof TokenRates, string> & {
  readonly tiers?: readonly (Record<keyof TokenRates, string> & { readonly aboveInput: number })[];
};

/** Pico-USD per token as decimal digits: how the ledger keeps the rates a call was charged at. */
export function ratesJson({ tiers, ...rates }: Rates): RatesJson {
  if (tiers.length === 0) return each(rates, String) as RatesJson;
  const texts = tiers.map(({ aboveInput, ...tier }) => ({ ...each(tier, String), aboveInput }));
  return { ...each(rates, String), tiers: texts } as RatesJson;
}

function complete(known: Known<Pico>): TokenRates {
  const { input, cachedInput = input, cacheWrite5m = input, cacheWrite1h = cacheWrite5m, output } = known;
  return { input, cachedInput, cacheWrite5m, cacheWrite1h, output };
}

function each<A, B>(known: Known<A>, change: (rate: A) => B): Known<B> {
  const optional = (rate: A | undefined) => (rate === undefined ? undefined : change(rate));
  return {
    input: change(known.input),
    cachedInput: optional(known.cachedInput),
    cacheWrite5m: optional(known.cacheWrite5m),
    cacheWrite1h: optional(known.cacheWrite1h),
    output: change(known.output),
  };
}

function rate(text: string): Pico {
  const pico = picoPerTokenFromUsdPerMillion(text);
  if (pico < 0n) throw new RangeError(`a rate cannot be negative: ${text}`);
  return pico;
}
