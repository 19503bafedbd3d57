import type { Pico } from "../lib/money.ts";

/** What an input token can be charged as. Every token is one of them. */
export const inputKinds = [
  "input",
  "cachedInput",
  "cacheWrite5m",
  "cacheWrite1h",
  "audioInput",
  "imageInput",
  "cachedAudioInput",
  "cachedImageInput",
] as const;
export const outputKinds = ["output", "audioOutput", "imageOutput"] as const;
/** Tools of the provider that are billed by the use. */
export const useKinds = ["webSearch", "fileSearch"] as const;

export type TokenKind = (typeof inputKinds)[number] | (typeof outputKinds)[number];
export type UseKind = (typeof useKinds)[number];
export type Kind = TokenKind | UseKind;

export const tokenKinds: readonly TokenKind[] = [...inputKinds, ...outputKinds];
export const kinds: readonly Kind[] = [...tokenKinds, ...useKinds];

export function isUseKind(kind: Kind): kind is UseKind {
  return (useKinds as readonly Kind[]).includes(kind);
}

/** What one token of each kind costs, in pico-USD. */
export type TokenRates = Readonly<Record<TokenKind, Pico>>;
export type UseRates = Readonly<Record<UseKind, Pico>>;

/** Rates as far as they are known. A kind left out costs what `completeTokens` and `completeUses` say. */
export type Known<Rate> = {
  readonly [K in Exclude<Kind, "input" | "output">]?: Rate | undefined;
} & { readonly input: Rate; readonly output: Rate };

/** A kind without a rate of its own is charged as the kind that it lies within, never as nothing. */
export function completeTokens(known: Known<Pico>): TokenRates {
  const { input, output, audioInput = input, imageInput = input } = known;
  const { cachedInput = input, cacheWrite5m = input, cacheWrite1h = cacheWrite5m } = known;
  return {
    input,
    cachedInput,
    cacheWrite5m,
    cacheWrite1h,
    output,
    audioInput,
    imageInput,
    cachedAudioInput: known.cachedAudioInput ?? known.cachedInput ?? audioInput,
    cachedImageInput: known.cachedImageInput ?? known.cachedInput ?? imageInput,
    audioOutput: known.audioOutput ?? output,
    imageOutput: known.imageOutput ?? output,
  };
}

/**
 * Pico-USD per use, where nobody says otherwise: 10 USD per 1,000 web searches, which is Anthropic's and OpenAI's
 * list price (platform.claude.com/docs/en/about-claude/pricing, developers.openai.com/api/docs/pricing), and OpenAI's
 * 2.50 USD per 1,000 file searches.
 */
const listedUses: UseRates = {
  webSearch: 10_000_000_000n,
  fileSearch: 2_500_000_000n,
};

export function completeUses(known: { readonly [K in UseKind]?: Pico | undefined }): UseRates {
  return {
    webSearch: known.webSearch ?? listedUses.webSearch,
    fileSearch: known.fileSearch ?? listedUses.fileSearch,
  };
}

/** The kinds whose rates tell all others: the plain ones, and those that cost something of their own. */
export function tellingKinds(rates: TokenRates & Partial<UseRates>): readonly Kind[] {
  const { input, cachedInput, cacheWrite5m, cacheWrite1h, output } = rates;
  const plain = { input, cachedInput, cacheWrite5m, cacheWrite1h, output };
  const implied: Known<Pico> = { ...completeTokens(plain), ...listedUses };
  return kinds.filter((kind) => kind in plain || (rates[kind] ?? implied[kind]) !== implied[kind]);
}

export function eachRate<A, B>(known: Known<A>, change: (rate: A, kind: Kind) => B): Known<B>;
export function eachRate<A, B>(
  known: Partial<Known<A>>,
  change: (rate: A, kind: Kind) => B,
): Partial<Known<B>>;
export function eachRate<A, B>(
  known: Partial<Known<A>>,
  change: (rate: A, kind: Kind) => B,
): Partial<Known<B>> {
  const rates = kinds.flatMap((kind) => {
    const rate = known[kind];
    return rate === undefined ? [] : [[kind, change(rate, kind)] as const];
  });
  return Object.fromEntries(rates) as Partial<Known<B>>;
}
