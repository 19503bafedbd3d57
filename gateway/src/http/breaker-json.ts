import { z } from "zod";
import { isoTime } from "../lib/clock.ts";
import type { BreakerState } from "../providers/breaker.ts";

export const breakerShape = z
  .object({
    provider: z.string(),
    state: z.enum(["closed", "open", "half_open"]),
    failures: z.int().meta({ description: "In a row, without a success between them." }),
    opened_at: z.string().nullable(),
    retry_at: z.string().nullable().meta({ description: "From then on one call at a time may try." }),
    probe_until: z
      .string()
      .nullable()
      .meta({ description: "A call is trying; if it says nothing until then, the next one may." }),
  })
  .meta({ id: "Breaker" });

export type BreakerJson = z.infer<typeof breakerShape>;

export function breakerJson({
  provider,
  state,
  failures,
  openedAt,
  until,
  probeUntil,
}: BreakerState): BreakerJson {
  return {
    provider,
    state,
    failures,
    opened_at: timeOrNull(openedAt),
    retry_at: timeOrNull(until),
    probe_until: timeOrNull(probeUntil),
  };
}

function timeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}
