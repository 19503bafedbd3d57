import { type Pico, usdPerMillionText, usdText } from "../lib/money.ts";
import {
  isUseKind,
  type Kind,
  type Known,
  kinds,
  type TokenRates,
  tellingKinds,
  type UseRates,
} from "./rates.kinds.ts";
import type { KnownBook } from "./rates.ts";

/** As JSON and files spell them. */
export const kindNames = {
  input: "input",
  cachedInput: "cached_input",
  cacheWrite5m: "cache_write_5m",
  cacheWrite1h: "cache_write_1h",
  output: "output",
  audioInput: "audio_input",
  imageInput: "image_input",
  cachedAudioInput: "cached_audio_input",
  cachedImageInput: "cached_image_input",
  audioOutput: "audio_output",
  imageOutput: "image_output",
  webSearch: "web_search",
  fileSearch: "file_search",
} as const satisfies Readonly<Record<Kind, string>>;

export type KindName = (typeof kindNames)[Kind];

/** As price lists print them: exact USD per million tokens and per thousand uses, of the telling kinds. */
export function ratesTold(
  rates: TokenRates & Partial<UseRates>,
): Readonly<Partial<Record<KindName, string>>> {
  return Object.fromEntries(
    tellingKinds(rates).map((kind) => [kindNames[kind], rateText(kind, rates[kind]!)]),
  );
}

/** USD per million tokens, or per thousand uses. */
export function rateText(kind: Kind, pico: Pico): string {
  return isUseKind(kind) ? usdText(pico * 1_000n) : usdPerMillionText(pico);
}

/** Fields that say what a model costs; input and output are there. */
export type RateFields<Rate> = { readonly [N in KindName]?: Rate | undefined };

/** The rates that fields say, in the fields' unit. */
export function ratesNamed<Rate>({
  service_tiers: tiers = {},
  ...fields
}: RateFields<Rate> & {
  readonly service_tiers?: Readonly<Record<string, RateFields<Rate>>> | undefined;
}): KnownBook<Rate> {
  const served = Object.entries(tiers).map(([name, tier]) => [name, named(tier)] as const);
  return { ...named(fields), ...(served.length === 0 ? {} : { serviceTiers: new Map(served) }) };
}

function named<Rate>(fields: RateFields<Rate>): Known<Rate> {
  const rates = kinds.flatMap((kind) => {
    const rate = fields[kindNames[kind]];
    return rate === undefined ? [] : [[kind, rate] as const];
  });
  return Object.fromEntries(rates) as Known<Rate>;
}
