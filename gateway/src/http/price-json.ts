import { z } from "zod";
import type { PriceRow } from "../costs/prices.ts";
import type { TokenRates } from "../costs/rates.ts";
import { isoTime } from "../lib/clock.ts";
import { type Pico, picoPerTokenFromUsdPerMillion, usdPerMillionText } from "../lib/money.ts";

const RATE = 'must be USD per million tokens with at most 6 decimals, such as 0.075 or "0.20"';

/** USD per million tokens, exactly: a JSON number, or a decimal text. */
export const ratePerMillion = z
  .union([z.number(), z.string()], RATE)
  .transform(String)
  .pipe(z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, RATE))
  .transform(picoPerTokenFromUsdPerMillion);

const rates = {
  input: z.number(),
  input_usd: z.string(),
  cached_input: z.number(),
  cached_input_usd: z.string(),
  cache_write_5m: z.number(),
  cache_write_5m_usd: z.string(),
  cache_write_1h: z.number(),
  cache_write_1h_usd: z.string(),
  output: z.number(),
  output_usd: z.string(),
};

export const priceShape = z
  .object({
    provider: z.string(),
    model: z.string(),
    ...rates,
    tiers: z.array(z.object({ above_input_tokens: z.int(), ...rates })),
    source: z.enum(["operator", "configured", "shipped", "catalogue", "default"]),
    price_id: z.string(),
    effective_from: z.string().nullable(),
  })
  .meta({ id: "Price", description: "USD per million tokens." });

export type PriceJson = z.infer<typeof priceShape>;

export function priceJson({ provider, model, effectiveFromMs, price }: PriceRow): PriceJson {
  return {
    provider,
    model,
    ...ratesShown(price.rates),
    tiers: price.rates.tiers.map((tier) => ({ above_input_tokens: tier.aboveInput, ...ratesShown(tier) })),
    source: price.source,
    price_id: price.id,
    effective_from: effectiveFromMs === undefined ? null : isoTime(effectiveFromMs),
  };
}

function ratesShown(rates: TokenRates) {
  return {
    ...perMillion("input", rates.input),
    ...perMillion("cached_input", rates.cachedInput),
    ...perMillion("cache_write_5m", rates.cacheWrite5m),
    ...perMillion("cache_write_1h", rates.cacheWrite1h),
    ...perMillion("output", rates.output),
  };
}

/** A rate as a number and as exact text. */
export function perMillion<Name extends string>(name: Name, pico: Pico) {
  const text = usdPerMillionText(pico);
  return { [name]: Number(text), [`${name}_usd`]: text } as Record<Name, number> &
    Record<`${Name}_usd`, string>;
}
