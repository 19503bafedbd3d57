import { type Pico, picoPerTokenFromUsdPerMillion } from "../lib/money.ts";

/** What one token of each kind costs, in pico-USD. */
export type Rates = {
  readonly input: Pico;
  readonly cachedInput: Pico;
  readonly cacheWrite5m: Pico;
  readonly cacheWrite1h: Pico;
  readonly output: Pico;
};

/** USD per million tokens as decimal text, the way price lists print it. A kind left out costs what `ratesFrom` says. */
export type RatesPerMillion = {
  readonly input: string;
  readonly cachedInput?: string | undefined;
  readonly cacheWrite5m?: string | undefined;
  readonly cacheWrite1h?: string | undefined;
  readonly output: string;
};

/** Throws a RangeError on a rate that is negative or not a decimal number. */
export function ratesFrom(list: RatesPerMillion): Rates {
  return completeRates({
    input: rate(list.input),
    cachedInput: list.cachedInput === undefined ? undefined : rate(list.cachedInput),
    cacheWrite5m: list.cacheWrite5m === undefined ? undefined : rate(list.cacheWrite5m),
    cacheWrite1h: list.cacheWrite1h === undefined ? undefined : rate(list.cacheWrite1h),
    output: rate(list.output),
  });
}

/** A kind without a rate of its own is charged as the kind it belongs to, never as nothing. */
export function completeRates(known: {
  readonly input: Pico;
  readonly cachedInput?: Pico | undefined;
  readonly cacheWrite5m?: Pico | undefined;
  readonly cacheWrite1h?: Pico | undefined;
  readonly output: Pico;
}): Rates {
  const { input, cachedInput = input, cacheWrite5m = input, cacheWrite1h = cacheWrite5m, output } = known;
  return { input, cachedInput, cacheWrite5m, cacheWrite1h, output };
}

/** The dearest way in which one input token can be charged. */
export function dearestInput(rates: Rates): Pico {
  let dearest = rates.input;
  for (const rate of [rates.cachedInput, rates.cacheWrite5m, rates.cacheWrite1h]) {
    if (rate > dearest) dearest = rate;
  }
  return dearest;
}

/** Pico-USD per token as decimal digits: how the ledger keeps the rates a call was charged at. */
export function ratesJson(rates: Rates): Record<keyof Rates, string> {
  return {
    input: rates.input.toString(),
    cachedInput: rates.cachedInput.toString(),
    cacheWrite5m: rates.cacheWrite5m.toString(),
    cacheWrite1h: rates.cacheWrite1h.toString(),
    output: rates.output.toString(),
  };
}

function rate(text: string): Pico {
  const pico = picoPerTokenFromUsdPerMillion(text);
  if (pico < 0n) throw new RangeError(`a rate cannot be negative: ${text}`);
  return pico;
}
