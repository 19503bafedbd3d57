import { z } from "zod";
import { patternFault } from "../costs/model-patterns.ts";

const perMillion = decimal("must be USD per million tokens, such as 0.20");
const perThousand = decimal("must be USD per thousand uses, such as 10");

const rates = {
  input: perMillion,
  cached_input: perMillion.optional(),
  cache_write_5m: perMillion.optional(),
  cache_write_1h: perMillion.optional(),
  output: perMillion,
  audio_input: perMillion.optional(),
  image_input: perMillion.optional(),
  cached_audio_input: perMillion.optional(),
  cached_image_input: perMillion.optional(),
  audio_output: perMillion.optional(),
  image_output: perMillion.optional(),
  web_search: perThousand.optional(),
  file_search: perThousand.optional(),
};

const modelName = z
  .string()
  .regex(/^[^/*]+\/.+$/, "must be provider/model")
  .superRefine((name, context) => {
    const message = patternFault(name);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

const serviceTiers = z.record(z.string().min(1), z.strictObject(rates));

/** Prices by `provider/model`, where the model may have stars: what each kind of usage costs, in each service tier. */
export const pricesField = z
  .record(modelName, z.strictObject({ ...rates, service_tiers: serviceTiers.optional() }))
  .default({});

function decimal(fault: string) {
  return z
    .union([z.string(), z.number()], fault)
    .transform(String)
    .pipe(z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, fault));
}
