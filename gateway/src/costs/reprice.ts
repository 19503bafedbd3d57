import { type Clock, DAY_MS, utcDay } from "../lib/clock.ts";
import { type Pico, usdText } from "../lib/money.ts";
import type { Db, Tx } from "../store/tables.ts";
import { type Cause, type Change, changesBetween } from "../telemetry/change.ts";
import { costOf } from "./cost.ts";
import { matchesPattern } from "./model-patterns.ts";
import { modelNames, providerName, spelling } from "./names.ts";
import { isUnpriced, type PriceBook, priceOf } from "./prices.ts";
import { ratesFor } from "./rates.ts";
import { type Charge, chargesOf } from "./reprice.charges.ts";
import { type Adjustment, bookAdjustments, lastAdjustment, postAdjustments } from "./reprice.post.ts";
import { holdPast } from "./retention.ts";

/** Which calls: of the UTC days `from` to `to`, both included, and of whatever else is named, as prices name it. */
export type RepricedCalls = {
  readonly from: string;
  readonly to: string;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
  readonly projectId?: number | undefined;
};

/**
 * How many calls were looked at, how many cost something else now or have a price at last, and how many nobody can
 * price again.
 */
export type Repricing = {
  readonly calls: number;
  readonly adjusted: number;
  readonly skipped: number;
  /** What the calls cost more by all adjustments together; less, if negative. */
  readonly deltaPico: Pico;
};

/**
 * Prices calls again, by the usage that providers reported and by what the book of now says for the time of each call,
 * and posts the difference to what they are charged. Ledger rows stay as they are; roll-ups and budgets follow. Done
 * again, it finds nothing to post. One audit entry, `ledger.reprice`.
 * @param deps.change without the time limit of requests
 */
export async function reprice(
  deps: { readonly change: Change; readonly clock: Clock },
  cause: Cause,
  book: PriceBook,
  { reason, ...chosen }: RepricedCalls & { readonly reason: string },
): Promise<Repricing> {
  return deps.change(cause, async (tx, note) => {
    await holdPast(tx);
    const lastId = await lastAdjustment(tx);
    const posting = { by: cause.actor.id, reason, atMs: deps.clock.now() };
    const done = await compare(tx, book, chosen, (found) => postAdjustments(tx, found, posting));
    if (done.adjusted === 0) return done;
    await bookAdjustments(tx, { lastId, ...chosen });
    const { deltaPico, ...counts } = done;
    note({
      action: "ledger.reprice",
      target: { type: "ledger", id: `${chosen.from}/${chosen.to}` },
      reason,
      changes: changesBetween({}, { ...chosen, ...counts, delta_usd: usdText(deltaPico) }) ?? {},
    });
    return done;
  });
}

/** What `reprice` would do. */
export function repriceDry(db: Db, book: PriceBook, chosen: RepricedCalls): Promise<Repricing> {
  return compare(db, book, chosen, async () => {});
}

async function compare(
  tx: Db | Tx,
  book: PriceBook,
  chosen: RepricedCalls,
  onAdjustments: (found: readonly Adjustment[]) => Promise<void>,
): Promise<Repricing> {
  const sum = { calls: 0, adjusted: 0, skipped: 0, deltaPico: 0n };
  for (const day of daysOf(chosen)) {
    for (let afterId: string | undefined; ; ) {
      const { charges, lastId } = await chargesOf(tx, { day, projectId: chosen.projectId, afterId });
      if (lastId === undefined) break;
      afterId = lastId;
      const judged = charges
        .filter((charge) => isChosen(charge, chosen))
        .map((charge) => judge(book, charge));
      const found = judged.filter((each) => each.kind === "adjust");
      if (found.length > 0) await onAdjustments(found);
      sum.calls += callsOf(judged);
      sum.adjusted += callsOf(found);
      sum.skipped += callsOf(judged.filter(({ kind }) => kind === "skip"));
      sum.deltaPico += found.reduce((all, { deltaPico }) => all + deltaPico, 0n);
    }
  }
  return sum;
}

function daysOf({ from, to }: RepricedCalls): readonly string[] {
  const first = Date.parse(from);
  const count = Math.round((Date.parse(to) - first) / DAY_MS) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => utcDay(first + index * DAY_MS));
}

function isChosen(charge: Charge, { provider, model }: RepricedCalls): boolean {
  return (
    (provider === undefined || providerName(charge.provider) === providerName(provider)) &&
    (model === undefined || modelNames(charge.model).some((name) => matchesPattern(spelling(model), name)))
  );
}

type Judged =
  | ({ readonly kind: "adjust" } & Adjustment)
  /** It costs what it did; or nobody knows what was used, or the model is denied for want of a price. */
  | { readonly kind: "same" | "skip"; readonly charge: Charge };

function judge(book: PriceBook, charge: Charge): Judged {
  const { provider, model, calledAtMs, usage, serviceTier, chargedPico } = charge;
  const price = priceOf(book, provider, model, calledAtMs);
  if (usage === undefined || price === undefined)
    return { kind: chargedPico === 0n ? "same" : "skip", charge };
  const rates = ratesFor(price.rates, serviceTier);
  const costPico = costOf(usage, rates);
  const deltaPico = costPico - chargedPico;
  const unpricedDeltaPico = (isUnpriced(price) ? costPico : 0n) - (charge.isUnpriced ? chargedPico : 0n);
  if (deltaPico === 0n && unpricedDeltaPico === 0n) return { kind: "same", charge };
  return { kind: "adjust", charge, price: { ...price, rates }, deltaPico, unpricedDeltaPico };
}

function callsOf(judged: readonly { readonly charge: Charge }[]): number {
  return new Set(judged.map(({ charge }) => charge.id)).size;
}
