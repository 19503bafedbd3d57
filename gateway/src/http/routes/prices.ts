import { z } from "zod";
import { catalogue } from "../../costs/catalogue.ts";
import { adoptPrice, type PriceChangeDeps, setPrice } from "../../costs/prices.change.ts";
import { driftOf } from "../../costs/prices.drift.ts";
import { placeOf, pricesInForce } from "../../costs/prices.list.ts";
import type { Prices } from "../../costs/prices.stored.ts";
import { recentTraffic } from "../../costs/prices.traffic.ts";
import { ratesNamed } from "../../costs/rates.fields.ts";
import type { Db } from "../../store/tables.ts";
import { driftJson, driftShape } from "../drift-json.ts";
import type { Endpoint } from "../endpoint.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { modelField, priceFields, providerField } from "../price-fields.ts";
import { priceJson, priceShape } from "../price-json.ts";

export type PriceDeps = PriceChangeDeps & Prices & { readonly db: Db; readonly pages: Pages };

const query = z.strictObject(pageQuery);
const params = z.object({ provider: providerField, model: modelField });
/** False also for what is no time at all: then another fault says so. */
function isUsualTime(text: string): boolean {
  const year = new Date(text).getUTCFullYear();
  return year >= 2000 && year <= 9999;
}

const body = z.strictObject({
  ...priceFields,
  effective_from: z.iso
    .datetime({ offset: true })
    .refine(isUsualTime, "must be in the years 2000 to 9999")
    .optional(),
});
const administrator = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** The price book: what is in force, changes of it, and how far it is from the public catalogue (C2, C3). */
export function priceRoutes(deps: PriceDeps): readonly Endpoint[] {
  const { db, clock, pages, prices } = deps;
  return [
    {
      method: "GET",
      path: "/prices",
      summary: "The prices in force now, in USD per million tokens.",
      access: { credential: "caller", scope: "costs:read", class: "manage" },
      query,
      answer: pageOf(priceShape),
      async handle({ request }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = pages.after("prices", cursor) ?? "";
        const rows = pricesInForce(prices(), clock.now()).filter((row) => placeOf(row) > after);
        const { items, next_cursor } = pages.page("prices", rows, limit, placeOf);
        return { items: items.map(priceJson), next_cursor };
      },
    },
    {
      method: "GET",
      path: "/prices/drift",
      summary:
        "Where prices differ from the public catalogue, what that meant for 30 days, and what has no price.",
      access: administrator,
      answer: driftShape,
      async handle() {
        const now = clock.now();
        return driftJson(driftOf(prices(), await recentTraffic(db, now), now), catalogue(), now);
      },
    },
    {
      method: "PUT",
      path: "/prices/:provider/:model",
      summary:
        "Gives a model, or all that a pattern such as gpt-5* matches, a price from now or a later time on.",
      access: administrator,
      params,
      body,
      answer: priceShape,
      async handle({ request, cause }) {
        const { effective_from, ...fields } = request.body as z.infer<typeof body>;
        const effectiveFromMs = effective_from === undefined ? undefined : Date.parse(effective_from);
        const named = request.params as z.infer<typeof params>;
        return priceJson(
          await setPrice(deps, cause(), { ...named, rates: ratesNamed(fields), effectiveFromMs }),
        );
      },
    },
    {
      method: "POST",
      path: "/prices/:provider/:model/adopt",
      summary: "Gives a model the price that the public catalogue has for it.",
      access: administrator,
      params,
      answer: priceShape,
      async handle({ request, cause }) {
        return priceJson(await adoptPrice(deps, cause(), request.params as z.infer<typeof params>));
      },
    },
  ];
}
