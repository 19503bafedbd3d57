import type { ListedPrice } from "../costs/prices.ts";
import type { RatesPerMillion } from "../costs/rates.ts";
import { type Network, parseNetworks } from "../lib/networks.ts";
import type { LimitRules } from "../limits/applicable.ts";
import type { ConfigFile } from "./file.ts";
import type { Settings } from "./settings.ts";

/** Settings and configuration file in the words of the folders that use them. */
export type LimitPlan = Omit<LimitRules, "subjectOfAddress">;

export function limitPlan(settings: Settings, file: ConfigFile): LimitPlan {
  const { requests_per_minute, daily_requests } = file.plans?.default.limits ?? {};
  return {
    windowMs: settings.RATE_LIMIT_WINDOW_SECONDS * 1000,
    perClassWindow: defined({
      capture: settings.RATE_LIMIT_CAPTURE_PER_WINDOW,
      query: settings.RATE_LIMIT_QUERY_PER_WINDOW,
      plan: settings.RATE_LIMIT_PLAN_PER_WINDOW,
      chat: settings.RATE_LIMIT_CHAT_PER_WINDOW,
    }),
    plan: defined({ requestsPerMinute: requests_per_minute, dailyRequests: daily_requests }),
    keyBucket: bucket(settings.KEY_RATE_LIMIT_PER_MINUTE, settings.KEY_RATE_LIMIT_BURST),
    addressBucket: bucket(settings.IP_RATE_LIMIT_PER_MINUTE, settings.IP_RATE_LIMIT_BURST),
  };
}

/** Either half switched off switches the bucket off. */
function bucket(perMinute: number | undefined, burst: number | undefined): LimitRules["keyBucket"] {
  return perMinute === undefined || burst === undefined ? undefined : { perMinute, burst };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** `readSettings` has refused every entry that is not a network. */
export function trustedProxies(settings: Settings): readonly Network[] {
  return parseNetworks(settings.TRUSTED_PROXIES).networks;
}

export function listedPrices(file: ConfigFile): readonly ListedPrice[] {
  return Object.entries(file.prices).map(([id, row]) => {
    const slash = id.indexOf("/");
    const rates = { input: row.input, cachedInput: row.cached_input, output: row.output };
    return { provider: id.slice(0, slash), model: id.slice(slash + 1), rates };
  });
}

export function defaultRates(settings: Settings): RatesPerMillion {
  return {
    input: settings.COST_INPUT_PER_MILLION_USD,
    cachedInput: settings.COST_CACHED_INPUT_PER_MILLION_USD,
    output: settings.COST_OUTPUT_PER_MILLION_USD,
  };
}
