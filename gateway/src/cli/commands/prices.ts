import { z } from "zod";
import { catalogue } from "../../costs/catalogue.ts";
import { adoptPrice, setPrice } from "../../costs/prices.change.ts";
import { driftOf } from "../../costs/prices.drift.ts";
import { pricesInForce } from "../../costs/prices.list.ts";
import { recentTraffic } from "../../costs/prices.traffic.ts";
import { ratesNamed } from "../../costs/rates.fields.ts";
import { type DriftJson, driftJson } from "../../http/drift-json.ts";
import { modelField, providerField, ratePerMillion, serviceTiersField } from "../../http/price-fields.ts";
import { type PriceJson, priceJson } from "../../http/price-json.ts";
import { TollgateError } from "../../lib/errors.ts";
import { dataCommand, UsageError } from "../command.ts";
import { amount, state, table } from "../table.ts";

/** `openai/gpt-5.1` */
const named = z
  .string()
  .regex(/^[^/]+\/.+$/, "must be provider/model, such as openai/gpt-5.1")
  .transform((text) => ({
    provider: text.slice(0, text.indexOf("/")),
    model: text.slice(text.indexOf("/") + 1),
  }))
  .pipe(z.object({ provider: providerField, model: modelField }));

const list = dataCommand({
  name: "prices list",
  about: "List the prices in force now, in USD per million tokens.",
  options: [["--provider <name>", "only this provider's"]],
  input: z.strictObject({ provider: providerField.optional() }),
  async run({ readPrices, clock }, { provider }) {
    const rows = pricesInForce(await readPrices(), clock.now());
    const wanted = rows.filter((row) => provider === undefined || row.provider === provider);
    return { items: wanted.map(priceJson), next_cursor: null };
  },
  show: ({ items }: { items: readonly PriceJson[] }) => ({
    text: table(
      [
        "MODEL",
        ...["INPUT", "CACHED", "WRITE 5M", "WRITE 1H", "OUTPUT", "TIERS ABOVE"].map(amount),
        "SOURCE",
        "FROM",
      ],
      items.map((price) => [
        `${price.provider}/${price.model}`,
        price.input_usd,
        price.cached_input_usd,
        price.cache_write_5m_usd,
        price.cache_write_1h_usd,
        price.output_usd,
        price.tiers.map((tier) => tier.above_input_tokens).join(", ") || "-",
        price.source,
        price.effective_from ?? "-",
      ]),
    ),
  }),
});

const set = dataCommand({
  name: "prices set",
  about: "Give a model a price, in USD per million tokens; what calls cost before stays.",
  arguments: ["model"],
  options: [
    ["--input <usd>", "per million input tokens"],
    ["--cached-input <usd>", "per million cached input tokens (default: as input)"],
    ["--output <usd>", "per million output tokens"],
    ["--service-tiers <list>", "as priority=2.50/0.25/20,flex=0.625/5: input, cached (optional), output"],
    ["--effective-from <time>", "ISO 8601 with a time zone (default: now)"],
  ],
  input: z.strictObject({
    model: named,
    input: ratePerMillion,
    cachedInput: ratePerMillion.optional(),
    output: ratePerMillion,
    serviceTiers: z.string().transform(tiersIn).pipe(serviceTiersField).optional(),
    effectiveFrom: z.iso.datetime({ offset: true }).optional(),
  }),
  async run(deps, { model, effectiveFrom, cachedInput, serviceTiers, ...fields }) {
    const effectiveFromMs = effectiveFrom === undefined ? undefined : Date.parse(effectiveFrom);
    const rates = ratesNamed({ ...fields, cached_input: cachedInput, service_tiers: serviceTiers });
    return priceJson(await setPrice(deps, deps.by.cause, { ...model, rates, effectiveFromMs }));
  },
  show: isSet,
});

/** `priority=2.50/0.25/20,flex=0.625/5`: what is no price in it is for the next step to find. */
function tiersIn(text: string): Readonly<Record<string, object>> {
  const tiers = text.split(",").map((each) => {
    const [name = "", prices = ""] = each.split("=", 2);
    const [input, ...others] = prices.split("/");
    const [output, cached_input, ...rest] = others.toReversed();
    const price = { input, output, ...(cached_input === undefined ? {} : { cached_input }) };
    return [name.trim(), rest.length === 0 ? price : {}] as const;
  });
  return Object.fromEntries(tiers);
}

const adopt = dataCommand({
  name: "prices adopt",
  about: "Give a model the price that the public catalogue has for it.",
  arguments: ["model"],
  input: z.strictObject({ model: named }),
  async run(deps, { model }) {
    try {
      return priceJson(await adoptPrice(deps, deps.by.cause, model));
    } catch (error) {
      if (error instanceof TollgateError && error.code === "NOT_FOUND") throw new UsageError(error.message);
      throw error;
    }
  },
  show: isSet,
});

function isSet(price: PriceJson) {
  const { provider, model, input_usd, cached_input_usd, output_usd, effective_from } = price;
  return {
    text: `${provider}/${model} costs ${input_usd} in, ${cached_input_usd} cached and ${output_usd} out from ${effective_from} on.`,
  };
}

const drift = dataCommand({
  name: "prices drift",
  about: "Show where prices differ from the public catalogue, and what has no price.",
  input: z.strictObject({}),
  async run({ db, clock, readPrices }) {
    const now = clock.now();
    return driftJson(driftOf(await readPrices(), await recentTraffic(db, now), now), catalogue(), now);
  },
  show: ({ catalogue: { source, version, age_days }, items, unpriced }: DriftJson) => ({
    text: [
      `The catalogue is ${source} ${version}, ${age_days} days old.`,
      table(
        [
          "MODEL",
          "SOURCE",
          "UNIT",
          ...["PRICE", "CATALOGUE", "RATIO"].map(amount),
          state("DRIFT"),
          amount("USD IN 30 DAYS"),
        ],
        items.flatMap((item) =>
          item.units.map((unit) => [
            `${item.provider}/${item.model}`,
            item.source,
            unit.above_input_tokens === 0 ? unit.unit : `${unit.unit} above ${unit.above_input_tokens}`,
            unit.price_usd,
            unit.catalogue_usd,
            unit.ratio === null ? "-" : String(Number(unit.ratio.toPrecision(3))),
            unit.severity,
            item.monthly_effect_usd,
          ]),
        ),
      ),
      ...unpriced.map(
        ({ provider, model, calls, cost_usd }) =>
          `${provider}/${model} has no price: ${calls} calls were charged ${cost_usd} USD at the default rates.`,
      ),
    ],
  }),
});

export const priceCommands = [list, set, drift, adopt];
