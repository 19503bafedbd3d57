import { alwaysSearches } from "../costs/bound.model.ts";
import { inputEstimate } from "../costs/bound.ts";
import { costOf } from "../costs/cost.ts";
import type { LedgerLine, Settlement } from "../costs/ledger.ts";
import type { Price } from "../costs/prices.ts";
import { ratesFor } from "../costs/rates.ts";
import { addUsage, type Usage, type UsageSource } from "../costs/usage.ts";
import type { Pico } from "../lib/money.ts";
import type { Call } from "./call.ts";
import type { Observed } from "./exchange.ts";
import type { Target } from "./route.ts";

/** One target that was asked. `heldPico`: what was reserved for it, and is charged if nobody can know. */
export type Attempt = {
  readonly target: Target;
  readonly observed: Observed;
  readonly heldPico: Pico;
};

/** What the ledger says of a call's cost, and of whoever answered it last. */
export type Bill = Pick<
  Settlement,
  | "provider"
  | "model"
  | "price"
  | "usage"
  | "usageSource"
  | "costPico"
  | "lines"
  | "serviceTier"
  | "providerCostPico"
>;

/** The price of another model of the provider, for what an answer used of it. */
export type PriceOf = (provider: string, model: string) => Price | undefined;

const BYTES_PER_TOKEN = 3;

/** What a call cost, as far as anybody can know. Unknown usage is estimated or charged as reserved, never zero. */
export function billOf(call: Call, attempts: readonly [...Attempt[], Attempt], priceOf: PriceOf): Bill {
  const charges = attempts.map((attempt) => chargeOf(call, attempt, priceOf));
  const last = charges.at(-1)!;
  const besides = besidesOf(attempts.at(-1)!, priceOf);
  const lines = [
    ...charges.slice(0, -1).flatMap((charge) => (charge.costPico === 0n ? [] : lineOf("attempt", charge))),
    lineOf("answer", last),
    ...besides,
  ].flat();
  return {
    ...last,
    usage: besides.reduce((sum, { usage }) => sum && usage && addUsage(sum, usage), last.usage),
    costPico: lines.reduce((sum, { costPico }) => sum + costPico, 0n),
    usageSource: charges.find(({ usageSource }) => usageSource !== "reported")?.usageSource ?? "reported",
    lines: lines.length > 1 ? lines : [],
  };
}

type Charge = Omit<Bill, "lines"> & { readonly usageSource: Exclude<UsageSource, "reserved"> };

function chargeOf({ request }: Call, { target, observed, heldPico }: Attempt, priceOf: PriceOf): Charge {
  const { spent, metered, isOutputCounted, textBytes, outcome } = observed;
  const { model, price } = servedOf(target, observed.model, {
    priceOf,
    isOpen: request.otherModels.length > 0,
  });
  const about = { provider: target.provider.name, model, price };
  if (spent === "nothing") return { ...about, usage: undefined, usageSource: "reported", costPico: 0n };
  const seenOutput = Math.ceil(textBytes / BYTES_PER_TOKEN);
  if (metered !== undefined) {
    const { serviceTier, providerCostPico } = metered;
    const rates = ratesFor(price.rates, serviceTier);
    const told = isOutputCounted ? metered.usage : withOutput(metered.usage, seenOutput);
    const usage = alwaysSearches(model) ? { webSearches: 1, ...told } : told;
    return {
      ...about,
      price: { ...price, rates },
      usage,
      usageSource: outcome === "completed" && isOutputCounted ? "reported" : "partial",
      costPico: costOf(usage, rates),
      ...(serviceTier === undefined ? {} : { serviceTier }),
      ...(providerCostPico === undefined ? {} : { providerCostPico }),
    };
  }
  if (spent === "unknown")
    return { ...about, usage: undefined, usageSource: "estimated", costPico: heldPico };
  const estimate: Usage = {
    input: inputEstimate(request.bound),
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    output: seenOutput,
    reasoning: 0,
  };
  const costPico = costOf(estimate, ratesFor(price.rates, request.bound.serviceTier));
  return { ...about, usage: undefined, usageSource: "estimated", costPico };
}

/**
 * A provider may let another model answer: a router, or one that stands in. Its price counts where only the public
 * catalogue, or nobody, said what the model asked for costs; a price of the operator's own stands, unless the caller
 * named others (`isOpen`).
 */
function servedOf(
  { provider, model, price }: Target,
  served: string | undefined,
  { priceOf, isOpen }: { readonly priceOf: PriceOf; readonly isOpen: boolean },
): Pick<Target, "model" | "price"> {
  if (served === undefined || served === model) return { model, price };
  if (!isOpen && !OPEN.has(price.source)) return { model, price };
  const other = priceOf(provider.name, served);
  const isKnown = other !== undefined && other.source !== "default" && other.id !== price.id;
  return isKnown ? { model: served, price: other } : { model, price };
}

const OPEN: ReadonlySet<Price["source"]> = new Set(["catalogue", "default"]);

/** The placeholder is of at least as many tokens as the provider had made when it told. */
function withOutput(usage: Usage, output: number): Usage {
  return { ...usage, output: Math.max(usage.output, output) };
}

function lineOf(kind: "attempt" | "answer", charge: Charge): LedgerLine {
  const { provider, model, price, usage, costPico, serviceTier } = charge;
  const tier = serviceTier === undefined ? {} : { serviceTier };
  return { kind, provider, model, price, usage, costPico, ...tier };
}

function besidesOf({ target, observed: { metered } }: Attempt, priceOf: PriceOf): readonly LedgerLine[] {
  const provider = target.provider.name;
  return (metered?.besides ?? []).map(({ kind, model, usage }) => {
    const price = (model === undefined ? undefined : priceOf(provider, model)) ?? target.price;
    return {
      kind,
      provider,
      model: model ?? target.model,
      price,
      usage,
      costPico: costOf(usage, price.rates),
    };
  });
}
