import { z } from "zod";
import type { SeenLimit, UserLimits } from "../calls/user-limits.ts";
import { isoTime } from "../lib/clock.ts";

/** What is unknown is null: only on the command line, where the counters are out of reach. */
const limitShape = z.object({
  id: z.string(),
  shape: z.string(),
  /** `user`, `address`, `device`, or `key:` and the key's prefix. */
  scope: z.string(),
  limit: z.int(),
  window_seconds: z.number(),
  used: z.int().nullable(),
  remaining: z.int().nullable(),
  reset_at: z.string().nullable(),
  mode: z.enum(["report", "enforce"]),
});

/** What somebody may use and has used: over HTTP and on the command line. */
export const limitsShape = z
  .object({
    plan: z.string(),
    limits: z.array(limitShape),
    cooldowns: z.array(
      z.object({ kind: z.string(), subject: z.string(), until: z.string(), reason: z.string() }),
    ),
  })
  .meta({ id: "Limits" });

export type LimitsJson = z.infer<typeof limitsShape>;

export function limitsJson({ planName, limits }: UserLimits): LimitsJson {
  return {
    plan: planName,
    limits: limits.filter(({ limit }) => limit.shape !== "hold").map(limitJson),
    cooldowns: limits.flatMap(cooldownJson),
  };
}

function limitJson({ limit, keyPrefix, state }: SeenLimit): LimitsJson["limits"][number] {
  return {
    id: limit.id,
    shape: limit.shape === "dailyQuota" ? "daily_quota" : limit.shape,
    scope: keyPrefix === undefined ? limit.scope : `key:${keyPrefix}`,
    limit: limit.limit,
    window_seconds: limit.windowMs / 1000,
    used: state?.used ?? null,
    remaining: state?.remaining ?? null,
    reset_at: state === undefined ? null : isoTime(state.resetAtMs),
    mode: limit.reportOnly === true ? "report" : "enforce",
  };
}

/** Cooldowns that hold now. */
function cooldownJson({ limit, userId, keyPrefix, state }: SeenLimit): LimitsJson["cooldowns"] {
  if (limit.shape !== "hold" || state === undefined || state.used === 0) return [];
  const until = isoTime(state.resetAtMs);
  return [{ kind: limit.scope, subject: keyPrefix ?? userId, until, reason: "repeated refusals" }];
}
