import { type Pico, picoFromUsd } from "../lib/money.ts";
import { isCount } from "./counts.ts";
import { type Fields, fieldsOf } from "./json.ts";

const PICO_PER_TICK = 100n;
const MOST_USD = 1e9;
const LEAST_USD = 1e-13;

/**
 * What the provider says that a call cost: xAI's `cost_in_usd_ticks` (10⁻¹⁰ USD) or OpenRouter's `cost` (USD). Where
 * the caller's own key was used, OpenRouter's `cost` is its fee and the upstream's bill stands beside it.
 */
export function providerCost(usage: Fields): Pico | undefined {
  const { cost_in_usd_ticks: ticks } = usage;
  if (isCount(ticks)) return BigInt(ticks) * PICO_PER_TICK;
  const cost = picoOf(usage.cost);
  if (cost === undefined || usage.is_byok !== true) return cost;
  return cost + (picoOf(fieldsOf(usage.cost_details).upstream_inference_cost) ?? 0n);
}

/** A JSON number of USD by its shortest decimal text. Undefined if it is no believable amount. */
function picoOf(usd: unknown): Pico | undefined {
  if (typeof usd !== "number" || !(usd >= 0 && usd < MOST_USD)) return undefined;
  return usd < LEAST_USD ? 0n : picoFromUsd(String(usd));
}
