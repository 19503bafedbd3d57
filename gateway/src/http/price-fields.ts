import { z } from "zod";
import { patternFault } from "../costs/model-patterns.ts";
import { picoPerTokenFromUsdPerMillion, scaled } from "../lib/money.ts";
import { plainText } from "./fields.ts";

export const providerField = z
  .string()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be letters, digits and dashes");

/** A model's name, or a pattern of names. */
export const modelField = plainText
  .trim()
  .min(1)
  .max(200)
  .superRefine((model, context) => {
    const message = patternFault(model);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

const PER_MILLION = 'must be USD per million tokens with at most 6 decimals, such as 0.075 or "0.20"';
const PER_THOUSAND = 'must be USD per thousand uses with at most 6 decimals, such as 10 or "2.50"';

/** USD per million tokens, exactly: a JSON number, or a decimal text. */
export const ratePerMillion = decimal(PER_MILLION).transform(picoPerTokenFromUsdPerMillion);
const ratePerThousand = decimal(PER_THOUSAND).transform((text) => scaled(text, 9));

function decimal(fault: string) {
  return z
    .union([z.number(), z.string()], fault)
    .transform(String)
    .pipe(z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, fault));
}

const rateFields = {
  input: ratePerMillion,
  cached_input: ratePerMillion.optional(),
  cache_write_5m: ratePerMillion.optional(),
  cache_write_1h: ratePerMillion.optional(),
  output: ratePerMillion,
  audio_input: ratePerMillion.optional(),
  image_input: ratePerMillion.optional(),
  cached_audio_input: ratePerMillion.optional(),
  cached_image_input: ratePerMillion.optional(),
  audio_output: ratePerMillion.optional(),
  image_output: ratePerMillion.optional(),
  web_search: ratePerThousand.optional(),
  file_search: ratePerThousand.optional(),
};

const MOST_TIERS = 20;

export const serviceTiersField = z
  .record(
    z.string().regex(/^[a-z0-9][a-z0-9_+-]{0,39}$/, "must be a service tier, such as priority"),
    z.strictObject(rateFields),
  )
  .refine((tiers) => Object.keys(tiers).length <= MOST_TIERS, `must be at most ${MOST_TIERS} service tiers`);

/** What a model costs, by kind of usage; in a service tier, where the provider calls it so. */
export const priceFields = { ...rateFields, service_tiers: serviceTiersField.optional() };
