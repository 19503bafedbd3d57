import { halfUp, type Pico, scaled } from "../lib/money.ts";
import { matchesPattern } from "./model-patterns.ts";
import { spelling } from "./names.ts";
import { eachRate, isUseKind, type Kind } from "./rates.kinds.ts";
import { completeRates, type Rates } from "./rates.ts";

/** What a token costs in a service tier, as a fraction of what it costs by standard. */
type Ratio = readonly [times: bigint, per: bigint];

type PublishedTier = {
  readonly provider: string;
  /** The names under which requests and answers speak of it. */
  readonly tiers: readonly string[];
  readonly ratio: Ratio;
  readonly models: readonly string[];
};

const cheap = ["batch", "flex"];
/** OpenAI renamed priority processing to fast mode on 2026-07-30, and takes both names. */
const fast = ["priority", "fast"];

/**
 * What providers published until 2026-11-22. Sources: openai.com/api-fast-mode, openai.com/api-priority-processing,
 * developers.openai.com/api/docs/pricing (half for batch and flex); platform.claude.com/docs/en: build-with-claude/
 * fast-mode, manage-claude/data-residency, about-claude/pricing; ai.google.dev/gemini-api/docs/optimization, whose 75
 * to 100 % more for priority is taken as 100; groq.com/pricing (batch; flex costs what is standard there).
 */
const published: readonly PublishedTier[] = [
  row("openai", cheap, percent(50), "*"),
  row("openai", fast, percent(170), "gpt-4o"),
  row("openai", fast, percent(175), "gpt-4o-2024-05-13", "gpt-4.1", "gpt-4.1-mini", "o3"),
  row("openai", fast, fromUsd("0.15", "0.25"), "gpt-4o-mini"),
  row("openai", fast, fromUsd("1.10", "2.00"), "o4-mini"),
  row("openai", fast, percent(180), "gpt-5-mini"),
  row("openai", fast, percent(200), "gpt-4.1-nano", "gpt-5", "gpt-5.1", "gpt-5.2", "gpt-5.4", "gpt-5.4-mini"),
  row("openai", fast, percent(200), "gpt-5.6-*", "gpt-6-*"),
  row("openai", fast, percent(250), "gpt-5.5"),
  row("anthropic", ["batch"], percent(50), "*"),
  row("anthropic", ["fast"], percent(600), "claude-opus-4-6", "claude-opus-4-7"),
  row("anthropic", ["fast"], percent(200), "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5"),
  row("anthropic", ["us"], percent(110), "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8"),
  row(
    "anthropic",
    ["us"],
    percent(110),
    "claude-sonnet-4-6",
    "claude-opus-5*",
    "claude-sonnet-5*",
    "claude-fable-*",
  ),
  row("google", cheap, percent(50), "gemini-*"),
  row("google", ["priority"], percent(200), "gemini-*"),
  row("groq", ["batch"], percent(50), "*"),
];

/** Charged besides any other tier: `us` and `fast` together are `fast+us`, at the product of both. */
const PLACE = "us";

/** The rates with those of the tiers in which the provider is known to serve this model otherwise. */
export function withServiceTiers(provider: string, model: string, rates: Rates): Rates {
  const name = spelling(model);
  const known = published
    .filter(
      (row) => row.provider === provider && row.models.some((each) => matchesPattern(spelling(each), name)),
    )
    .flatMap(({ tiers, ratio }) => tiers.map((tier) => [tier, ratio] as const));
  const place = known.find(([tier]) => tier === PLACE);
  const both = place === undefined ? [] : known.filter((each) => each !== place);
  const stacked = both.map(([tier, ratio]) => [`${tier}+${PLACE}`, product(ratio, place![1])] as const);
  const serviceTiers = [...known, ...stacked].map(([tier, ratio]) => [tier, times(rates, ratio)] as const);
  return { ...rates, serviceTiers: new Map(serviceTiers) };
}

/**
 * The service tier that a body asks for, under the name that answers give it: OpenAI's and Google's `service_tier`,
 * Anthropic's `speed` and `inference_geo`. Whether the provider grants it is for the answer to say.
 */
export function askedServiceTier(body: Readonly<Record<string, unknown>>): string | undefined {
  const { service_tier: tier, speed, inference_geo: place } = body;
  const main = speed === "fast" ? speed : typeof tier === "string" && !STANDARD.has(tier) ? tier : undefined;
  const asked = [main, place === PLACE ? place : undefined].filter((each) => each !== undefined);
  return asked.length === 0 ? undefined : asked.join("+");
}

const STANDARD: ReadonlySet<string> = new Set(["auto", "default", "standard", "standard_only", "on_demand"]);

function row(
  provider: string,
  tiers: readonly string[],
  ratio: Ratio,
  ...models: readonly string[]
): PublishedTier {
  return { provider, tiers, ratio, models };
}

function percent(of: number): Ratio {
  return [BigInt(of), 100n];
}

/** From one published price to another. */
function fromUsd(standard: string, tier: string): Ratio {
  return [scaled(tier, 6), scaled(standard, 6)];
}

function product(a: Ratio, b: Ratio): Ratio {
  return [a[0] * b[0], a[1] * b[1]];
}

/** Rounded half up once. Uses of tools cost the same in every tier. */
function times(rates: Rates, [times, per]: Ratio): Rates {
  const change = (rate: Pico, kind: Kind) => (isUseKind(kind) ? rate : halfUp(rate * times, per));
  const tiers = rates.tiers.map((tier) => ({ ...eachRate(tier, change), aboveInput: tier.aboveInput }));
  return completeRates({ ...eachRate(rates, change), tiers });
}
