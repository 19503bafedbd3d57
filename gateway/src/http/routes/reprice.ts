import { z } from "zod";
import type { Prices } from "../../costs/prices.stored.ts";
import { type Repricing, reprice, repriceDry } from "../../costs/reprice.ts";
import { type Clock, DAY_MS } from "../../lib/clock.ts";
import { usdNumber, usdText } from "../../lib/money.ts";
import type { Db } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText, utcDate } from "../fields.ts";
import { modelField, providerField } from "../price-fields.ts";

export type RepriceDeps = Pick<Prices, "readPrices"> & {
  readonly maintenance: Db;
  readonly longChange: Change;
  readonly clock: Clock;
};

const LONGEST_PERIOD_DAYS = 366;

/** What `POST /prices/reprice` takes, but for the spelling of its fields. */
export const repriceFields = {
  from: utcDate,
  to: utcDate,
  provider: providerField.optional(),
  model: modelField.optional(),
  reason: plainText.trim().min(1).max(500),
};

/** For `.refine`. Days that are none have been told already. */
export function isPeriod({ from, to }: { readonly from: string; readonly to: string }): boolean {
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  return !(days < 0 || days > LONGEST_PERIOD_DAYS);
}

export const noPeriod = {
  path: ["to"],
  message: `must not be before from, nor more than ${LONGEST_PERIOD_DAYS} days after`,
};

const body = z
  .strictObject({
    ...repriceFields,
    project_id: z.int().positive().optional(),
    dry_run: z.boolean().default(false),
  })
  .refine(isPeriod, noPeriod);

const repricingShape = z
  .object({
    calls: z.int(),
    adjusted: z.int(),
    skipped: z.int(),
    delta: z.number(),
    delta_usd: z.string(),
    dry_run: z.boolean(),
  })
  .meta({ id: "Repricing" });

export type RepricingJson = z.infer<typeof repricingShape>;

export function repricingJson({ deltaPico, ...counts }: Repricing, dryRun: boolean): RepricingJson {
  return { ...counts, delta: usdNumber(deltaPico), delta_usd: usdText(deltaPico), dry_run: dryRun };
}

/** Past calls at the prices that the book has for them now. */
export function repriceRoutes(deps: RepriceDeps): readonly Endpoint[] {
  const { maintenance, longChange, clock, readPrices } = deps;
  return [
    {
      method: "POST",
      path: "/prices/reprice",
      summary: "Prices past calls again, and posts what they cost more or less.",
      access: { credential: "caller", scope: "admin:*", class: "manage" },
      body,
      answer: repricingShape,
      async handle({ request, cause }) {
        const { project_id: projectId, dry_run, reason, ...named } = request.body as z.infer<typeof body>;
        const book = await readPrices();
        const chosen = { ...named, projectId };
        const done = dry_run
          ? await repriceDry(maintenance, book, chosen)
          : await reprice({ change: longChange, clock }, cause(), book, { ...chosen, reason });
        return repricingJson(done, dry_run);
      },
    },
  ];
}
