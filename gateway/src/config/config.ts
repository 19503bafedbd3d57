import { type ListedPrice, type OperatorPrice, type PriceBook, priceBook } from "../costs/prices.ts";
import { ratesNamed } from "../costs/rates.fields.ts";
import type { RatesPerMillion } from "../costs/rates.ts";
import { type Network, parseNetworks } from "../lib/networks.ts";
import type { AbuseRules } from "../limits/abuse.ts";
import type { LimitRules } from "../limits/applicable.ts";
import type { FilePlans } from "../limits/plans.ts";
import type { ConfigFile } from "./file.ts";
import type { Settings } from "./settings.ts";

/** Settings and configuration file in the words of the folders that use them. */
export type LimitPlan = Omit<LimitRules, "subjectOfAddress" | "subjectOfDevice">;

export function limitPlan(settings: Settings, file: ConfigFile): LimitPlan {
  return {
    windowMs: settings.RATE_LIMIT_WINDOW_SECONDS * 1000,
    perClassWindow: defined({
      capture: settings.RATE_LIMIT_CAPTURE_PER_WINDOW,
      query: settings.RATE_LIMIT_QUERY_PER_WINDOW,
      plan: settings.RATE_LIMIT_PLAN_PER_WINDOW,
      chat: settings.RATE_LIMIT_CHAT_PER_WINDOW,
    }),
    assist: defined({
      userPerMinute: settings.ASSIST_USER_RATE_LIMIT_PER_MINUTE,
      userPerDay: settings.ASSIST_USER_DAILY_QUOTA,
      addressPerMinute: settings.ASSIST_IP_RATE_LIMIT_PER_MINUTE,
      keyPerMinute: settings.ASSIST_RATE_LIMIT_PER_MINUTE,
      devicePerMinute: settings.ASSIST_DEVICE_RATE_LIMIT_PER_MINUTE,
      devicePerDay: settings.ASSIST_DAILY_QUOTA,
    }),
    ways: Object.fromEntries(
      Object.entries(file.limits).map(([id, way]) => [
        id,
        { mode: way.mode, failMode: way.fail_mode, algorithm: way.algorithm },
      ]),
    ),
    modes: {
      rates: settings.RATE_LIMITS_MODE,
      quotas: settings.QUOTAS_MODE,
      abuse: settings.ABUSE_MODE,
    },
    keyBucket: bucket(settings.KEY_RATE_LIMIT_PER_MINUTE, settings.KEY_RATE_LIMIT_BURST),
    addressBucket: bucket(settings.IP_RATE_LIMIT_PER_MINUTE, settings.IP_RATE_LIMIT_BURST),
  };
}

export function filePlans(file: ConfigFile): FilePlans {
  return new Map(Object.entries(file.plans).map(([name, { limits }]) => [name, limits]));
}

export function abuseRules(settings: Settings): AbuseRules {
  const rule = (kind: "INVALID_CREDENTIALS" | "VALIDATION_FAILURES" | "NOT_FOUND" | "HAMMERING") => ({
    threshold: settings[`ABUSE_${kind}`],
    windowMs: settings[`ABUSE_${kind}_WINDOW_SECONDS`] * 1000,
    baseMs: settings[`ABUSE_${kind}_COOLDOWN_SECONDS`] * 1000,
  });
  return {
    mode: settings.ABUSE_MODE,
    perSign: {
      invalidCredential: rule("INVALID_CREDENTIALS"),
      validationFailure: rule("VALIDATION_FAILURES"),
      notFound: rule("NOT_FOUND"),
      hammering: rule("HAMMERING"),
    },
    longestMs: settings.ABUSE_MAX_COOLDOWN_SECONDS * 1000,
    lookUpsPerMinute: settings.ABUSE_LOOK_UPS_PER_MINUTE,
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
    return { provider: id.slice(0, slash), model: id.slice(slash + 1), rates: ratesNamed(row) };
  });
}

export function defaultRates(settings: Settings): RatesPerMillion {
  return {
    input: settings.COST_INPUT_PER_MILLION_USD,
    cachedInput: settings.COST_CACHED_INPUT_PER_MILLION_USD,
    output: settings.COST_OUTPUT_PER_MILLION_USD,
  };
}

/** The price book with these rows of the operator's. */
export function bookWith(
  settings: Settings,
  file: ConfigFile,
): (operator: readonly OperatorPrice[]) => PriceBook {
  const configured = listedPrices(file);
  const defaults = defaultRates(settings);
  return (operator) => priceBook({ operator, configured, defaults, unknown: settings.PRICE_UNKNOWN_POLICY });
}
