import { z } from "zod";
import type { PriceRow } from "../costs/prices.ts";
import { type KindName, ratesTold } from "../costs/rates.fields.ts";
import type { Rates } from "../costs/rates.ts";
import { isoTime } from "../lib/clock.ts";

/** A rate as a number, and as exact text. */
function rate<Name extends KindName>(name: Name) {
  return { [name]: z.number(), [`${name}_usd`]: z.string() } as Record<Name, z.ZodNumber> &
    Record<`${Name}_usd`, z.ZodString>;
}

const ratesShape = z.object({
  ...rate("input"),
  ...rate("cached_input"),
  ...rate("cache_write_5m"),
  ...rate("cache_write_1h"),
  ...rate("output"),
  ...z
    .object({
      ...rate("audio_input"),
      ...rate("image_input"),
      ...rate("cached_audio_input"),
      ...rate("cached_image_input"),
      ...rate("audio_output"),
      ...rate("image_output"),
      ...rate("web_search"),
      ...rate("file_search"),
    })
    .partial().shape,
});

const listShape = ratesShape.extend({
  tiers: z.array(ratesShape.extend({ above_input_tokens: z.int() })),
});

export const priceShape = listShape
  .extend({
    provider: z.string(),
    model: z.string(),
    service_tiers: z.record(z.string(), listShape),
    source: z.enum(["operator", "configured", "shipped", "catalogue", "default"]),
    price_id: z.string(),
    effective_from: z.string().nullable(),
  })
  .meta({
    id: "Price",
    description:
      "USD per million tokens; per thousand uses for web_search and file_search. Of audio, images and searches " +
      "only what has a price of its own.",
  });

export type PriceJson = z.infer<typeof priceShape>;

export function priceJson({ provider, model, effectiveFromMs, price }: PriceRow): PriceJson {
  const { rates } = price;
  return {
    provider,
    model,
    ...listJson(rates),
    service_tiers: Object.fromEntries(
      rates.serviceTiers.entries().map(([name, tier]) => [name, listJson(tier)]),
    ),
    source: price.source,
    price_id: price.id,
    effective_from: effectiveFromMs === undefined ? null : isoTime(effectiveFromMs),
  };
}

function listJson(rates: Rates): z.infer<typeof listShape> {
  const tiers = rates.tiers.map((tier) => ({
    above_input_tokens: tier.aboveInput,
    ...ratesJson(ratesTold(tier)),
  }));
  return { ...ratesJson(ratesTold(rates)), tiers };
}

function ratesJson(told: Readonly<Partial<Record<KindName, string>>>): z.infer<typeof ratesShape> {
  const fields = Object.entries(told).map(([name, text]) => numberAndText(name, text));
  return Object.assign({}, ...fields) as z.infer<typeof ratesShape>;
}

/** A decimal text as a number too. */
export function numberAndText<Name extends string>(name: Name, text: string) {
  return { [name]: Number(text), [`${name}_usd`]: text } as Record<Name, number> &
    Record<`${Name}_usd`, string>;
}
