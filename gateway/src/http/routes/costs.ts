import { z } from "zod";
import { dailyCosts } from "../../costs/reports.ts";
import { type Clock, utcDay } from "../../lib/clock.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";

const sums = {
  calls: z.int(),
  input_tokens: z.int(),
  cached_input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
  estimated_cost: z.number(),
  estimated_cost_usd: z.string(),
  estimated_share: z.number(),
};

const dailyCostsAnswer = z
  .object({
    day: z.string(),
    timezone: z.literal("UTC"),
    totals: z.object(sums),
    breakdown: z.array(z.object({ operation: z.string(), provider: z.string(), model: z.string(), ...sums })),
  })
  .meta({ id: "DailyCosts" });

const query = z.strictObject({ day: z.iso.date().optional() });

export type CostDeps = { readonly db: Db; readonly clock: Clock };

export function costRoutes(deps: CostDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/health/costs/daily",
      summary: "The caller's own costs of one UTC day, by operation and model.",
      access: { credential: "caller", scope: "costs:read", class: "manage" },
      query,
      answer: dailyCostsAnswer,
      handle({ request, visitor }) {
        const { day = utcDay(deps.clock.now()) } = request.query as z.infer<typeof query>;
        return dailyCosts(deps.db, visitor.principal.userId, day);
      },
    },
  ];
}
