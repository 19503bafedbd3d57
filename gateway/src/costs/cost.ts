import type { Pico } from "../lib/money.ts";
import { inputKinds, type TokenKind, tokenKinds } from "./rates.kinds.ts";
import { type Rates, ratesAt } from "./rates.ts";
import type { Usage } from "./usage.ts";

/**
 * What a usage costs, exactly. Every token is charged once, at the rate of its kind; cached input is never charged a
 * second time as plain input (C2). A whole input above a tier's threshold moves the whole call to that tier's rates,
 * its output too. Counts are integers of at least 0; details that add up to more than what they lie within are each
 * still charged, and nothing is left of the rest.
 */
export function costOf(usage: Usage, rates: Rates): Pico {
  const tokens = tokensByKind(usage);
  const charged = ratesAt(
    rates,
    inputKinds.reduce((sum, kind) => sum + tokens[kind], 0),
  );
  const { webSearches = 0, fileSearches = 0 } = usage;
  return tokenKinds.reduce(
    (sum, kind) => (tokens[kind] === 0 ? sum : sum + BigInt(tokens[kind]) * charged[kind]),
    BigInt(webSearches) * rates.webSearch + BigInt(fileSearches) * rates.fileSearch,
  );
}

/** Every token once, as the kind that it is charged as. */
function tokensByKind(usage: Usage): Readonly<Record<TokenKind, number>> {
  const { cacheWrite5m, cacheWrite1h, audioInput = 0, imageInput = 0 } = usage;
  const { cachedAudioInput = 0, cachedImageInput = 0, audioOutput = 0, imageOutput = 0 } = usage;
  const cachedInput = rest(usage.cacheRead, cachedAudioInput + cachedImageInput);
  const cached = cachedInput + cachedAudioInput + cachedImageInput + cacheWrite5m + cacheWrite1h;
  return {
    input: rest(usage.input, cached + audioInput + imageInput),
    cachedInput,
    cacheWrite5m,
    cacheWrite1h,
    audioInput,
    imageInput,
    cachedAudioInput,
    cachedImageInput,
    output: rest(usage.output, audioOutput + imageOutput),
    audioOutput,
    imageOutput,
  };
}

function rest(whole: number, parts: number): number {
  return Math.max(0, whole - parts);
}
