import type { Pico } from "../lib/money.ts";
import { cheaperThan } from "./cheaper-models.ts";
import { costOf } from "./cost.ts";
import type { Price } from "./prices.ts";
import { LONG_OUTPUT, type UsedModel } from "./suggestions.history.ts";

/** A way to spend less on the same work, and what it would have saved in the history it is computed from (C8). */
export type Suggestion = {
  readonly kind: "cheaper_model" | "caching" | "output";
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
  readonly suggestedModel?: string;
  readonly savingPico: Pico;
  /** The calls it is computed from: those of the same operation by the same model. */
  readonly from: UsedModel;
};

/** Fewer calls say nothing. */
const FEWEST_CALLS = 20;
/** What saves less of what the calls cost is not worth a word. */
const LEAST_SAVING_PERCENT = 5n;
/** Providers cache no shorter beginnings. */
const SHORTEST_CACHED_INPUT = 1_024;
/** Of the input that all calls may have in common, the part that is taken to be the same each time. */
const REPEATED_PERCENT = 50n;

/** The largest saving first. `priceOf` answers the price of now of a model of that provider. */
export function suggestionsFrom(
  history: readonly UsedModel[],
  priceOf: (provider: string, model: string) => Price | undefined,
): readonly Suggestion[] {
  const callsOf = new Map<string, number>();
  for (const { operation, calls } of history) callsOf.set(operation, (callsOf.get(operation) ?? 0) + calls);
  return history
    .flatMap((used) => [
      ...(used.calls < FEWEST_CALLS ? [] : [cheaperModel(used, priceOf), caching(used)]),
      ...(callsOf.get(used.operation)! < FEWEST_CALLS ? [] : [shorterOutput(used)]),
    ])
    .filter((found) => found !== undefined)
    .filter(({ savingPico, from }) => savingPico * 100n >= from.costPico * LEAST_SAVING_PERCENT)
    .filter(({ savingPico }) => savingPico > 0n)
    .toSorted((a, b) => (a.savingPico < b.savingPico ? 1 : -1));
}

/** The same tokens at the cheaper model's price. A model that nobody has priced is no suggestion. */
function cheaperModel(
  used: UsedModel,
  priceOf: (provider: string, model: string) => Price | undefined,
): Suggestion | undefined {
  const cheaper = cheaperThan(used.provider, used.model);
  const price = cheaper === undefined ? undefined : priceOf(used.provider, cheaper);
  if (cheaper === undefined || price === undefined || price.source === "default") return undefined;
  const { usage, costPico } = used.compared;
  const savingPico = costPico - costOf(usage, { ...price.rates, tiers: [] });
  return { kind: "cheaper_model", ...named(used), suggestedModel: cheaper, savingPico, from: used };
}

/** Long inputs of similar length that are hardly ever read from a cache: they are likely to begin alike. */
function caching(used: UsedModel): Suggestion | undefined {
  const { commonInput, medianInput, input, cached } = used;
  const isHardlyCached = cached * 5 < input;
  if (commonInput < SHORTEST_CACHED_INPUT || commonInput * 2 < medianInput || !isHardlyCached)
    return undefined;
  const savingPico = (used.cacheablePico * REPEATED_PERCENT) / 100n;
  return { kind: "caching", ...named(used), savingPico, from: used };
}

/** What outputs cost beyond a multiple of the operation's median. */
function shorterOutput(used: UsedModel): Suggestion | undefined {
  if (used.longOutputs === 0) return undefined;
  return { kind: "output", ...named(used), savingPico: used.excessOutputPico, from: used };
}

function named({ operation, provider, model }: UsedModel) {
  return { operation, provider, model };
}

/** The figures that a suggestion is computed from, by name. */
export function basisOf({ kind, from }: Suggestion): Readonly<Record<string, number>> {
  const { calls, input, cached, output } = from;
  const basis = { calls, input_tokens: input, cached_input_tokens: cached, output_tokens: output };
  switch (kind) {
    case "cheaper_model":
      return { ...basis, compared_calls: from.compared.calls };
    case "caching":
      return {
        ...basis,
        common_input_tokens: from.commonInput,
        cacheable_tokens: from.cacheableTokens,
        repeated_percent: Number(REPEATED_PERCENT),
      };
    case "output":
      return {
        ...basis,
        median_output_tokens: from.medianOutput,
        longest_usual_output_tokens: from.medianOutput * LONG_OUTPUT,
        long_outputs: from.longOutputs,
        excess_output_tokens: from.excessOutputTokens,
      };
  }
}
