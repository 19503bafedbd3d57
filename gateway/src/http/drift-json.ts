import { z } from "zod";
import type { Drift } from "../costs/prices.drift.ts";
import { kindNames, rateText } from "../costs/rates.fields.ts";
import { usdNumber, usdText } from "../lib/money.ts";
import { numberAndText } from "./price-json.ts";

const severity = z.enum(["ok", "warn", "red"]);

export const driftShape = z
  .object({
    catalogue: z.object({
      source: z.string(),
      version: z.string(),
      published_on: z.string(),
      age_days: z.int(),
      severity,
    }),
    items: z.array(
      z.object({
        provider: z.string(),
        model: z.string(),
        source: z.string(),
        price_id: z.string(),
        catalogue_id: z.string(),
        severity,
        units: z.array(
          z.object({
            unit: z.string(),
            above_input_tokens: z.int(),
            price: z.number(),
            price_usd: z.string(),
            catalogue: z.number(),
            catalogue_usd: z.string(),
            ratio: z.number().nullable(),
            severity,
          }),
        ),
        monthly_effect: z.number(),
        monthly_effect_usd: z.string(),
      }),
    ),
    unpriced: z.array(
      z.object({
        provider: z.string(),
        model: z.string(),
        calls: z.int(),
        cost: z.number(),
        cost_usd: z.string(),
        last_day: z.string(),
      }),
    ),
  })
  .meta({
    id: "PriceDrift",
    description: "Prices in USD per million tokens or per thousand uses, effects in USD.",
  });

export type DriftJson = z.infer<typeof driftShape>;

const DAY_MS = 86_400_000;
const OLD_DAYS = 45;

export function driftJson(
  { rows, unpriced }: Drift,
  { source, version, publishedOn }: { source: string; version: string; publishedOn: string },
  now: number,
): DriftJson {
  const age_days = Math.floor((now - Date.parse(publishedOn)) / DAY_MS);
  const severity = age_days > OLD_DAYS ? "warn" : "ok";
  return {
    catalogue: { source, version, published_on: publishedOn, age_days, severity },
    items: rows.map(({ row, catalogueRow, severity, units, effectPico }) => ({
      provider: row.provider,
      model: row.model,
      source: row.price.source,
      price_id: row.price.id,
      catalogue_id: catalogueRow.price.id,
      severity,
      units: units.map((each) => ({
        unit: kindNames[each.unit],
        above_input_tokens: each.aboveInput,
        ...numberAndText("price", rateText(each.unit, each.bookPico)),
        ...numberAndText("catalogue", rateText(each.unit, each.cataloguePico)),
        ratio: each.ratio ?? null,
        severity: each.severity,
      })),
      monthly_effect: usdNumber(effectPico),
      monthly_effect_usd: usdText(effectPico),
    })),
    unpriced: unpriced.map(({ provider, model, calls, costPico, lastDay }) => ({
      provider,
      model,
      calls,
      cost: usdNumber(costPico),
      cost_usd: usdText(costPico),
      last_day: lastDay,
    })),
  };
}
