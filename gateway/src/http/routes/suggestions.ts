import { z } from "zod";
import { type PriceBook, priceOf } from "../../costs/prices.ts";
import { lastDays } from "../../costs/reports.period.ts";
import { usedModels } from "../../costs/suggestions.history.ts";
import { basisOf, suggestionsFrom } from "../../costs/suggestions.ts";
import type { Clock } from "../../lib/clock.ts";
import { usdNumber, usdText } from "../../lib/money.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";

export type SuggestionDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly prices: () => PriceBook;
};

const PERIOD_DAYS = 30;

const suggestionShape = z
  .object({
    kind: z.enum(["cheaper_model", "caching", "output"]),
    operation: z.string(),
    model: z.string(),
    suggested_model: z.string().optional(),
    saving: z.number(),
    saving_usd: z.string(),
    /** The calls that the saving is computed from: what they cost, how many they were, and what they used. */
    basis: z.looseObject({ period_days: z.int(), calls: z.int(), cost_usd: z.string() }),
  })
  .meta({ id: "CostSuggestion" });

export function suggestionRoutes({ db, clock, prices }: SuggestionDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/costs/suggestions",
      summary: "How the caller's calls of the last 30 days would have cost less, the largest saving first.",
      access: { credential: "caller", scope: "costs:read", class: "manage" },
      answer: z.object({ items: z.array(suggestionShape), next_cursor: z.null() }),
      async handle({ visitor }) {
        const items = await suggestionsFor({ db, clock, book: prices() }, visitor.principal.userId);
        return { items, next_cursor: null };
      },
    },
  ];
}

/** What a user's calls could have cost less by, as HTTP and the command line show it. */
export async function suggestionsFor(
  { db, clock, book }: { readonly db: Db; readonly clock: Clock; readonly book: PriceBook },
  userId: string,
): Promise<z.infer<typeof suggestionShape>[]> {
  const now = clock.now();
  const history = await usedModels(db, userId, lastDays(now, PERIOD_DAYS)[0]!);
  const found = suggestionsFrom(history, (provider, model) => priceOf(book, provider, model, now));
  return found.map((suggestion) => {
    const { kind, operation, provider, model, suggestedModel, savingPico, from } = suggestion;
    const cost_usd = usdText(from.costPico);
    return {
      kind,
      operation,
      model: `${provider}/${model}`,
      ...(suggestedModel === undefined ? {} : { suggested_model: `${provider}/${suggestedModel}` }),
      saving: usdNumber(savingPico),
      saving_usd: usdText(savingPico),
      basis: { period_days: PERIOD_DAYS, cost_usd, calls: from.calls, ...basisOf(suggestion) },
    };
  });
}
