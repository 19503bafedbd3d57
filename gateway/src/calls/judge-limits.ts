import { DAY_MS } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { AppliedLimit } from "../limits/admit.ts";
import { type Counters, CountersUnavailable, type Judgement } from "../limits/limit.ts";
import type { LimitState } from "../limits/limit-states.ts";

/** A limit that a call would meet: where its subject stands without the call, and what it would say to the call. */
export type JudgedLimit = {
  readonly limit: AppliedLimit;
  readonly state: LimitState;
  /** never: no wait helps. */
  readonly verdict: "fits" | "refuses" | "never";
  /** When it admits the call, as far as is known: milliseconds since the epoch. */
  readonly fitsAtMs: number | undefined;
};

export type JudgeDeps = {
  readonly counters: Pick<Counters, "take">;
  /** Used today of a daily quota, by its authority. */
  readonly usedToday: (quota: AppliedLimit) => Promise<number>;
};

/**
 * Asks every limit of a call what it would say, and takes nothing. The fence against stale identities is left out:
 * whoever asks has just passed it. Throws STORE_UNAVAILABLE.
 */
export async function judgeLimits(
  { counters, usedToday }: JudgeDeps,
  limits: readonly AppliedLimit[],
): Promise<readonly JudgedLimit[]> {
  const asked = limits.filter(({ shape }) => shape !== "epoch");
  const { now, judgements } = await counters.take(asked, false).catch((error: unknown) => {
    if (!(error instanceof CountersUnavailable)) throw error;
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
  });
  return Promise.all(
    asked.map(async (limit, index) => {
      const judgement = judgements[index]!;
      const known =
        judgement.verdict === "unseeded" ? judgedAt(limit, await usedToday(limit), now) : judgement;
      const verdict = verdictOf(limit, known);
      const fitsAtMs = verdict === "never" ? undefined : now + Math.max(0, known.retryMs);
      return { limit, state: stateOf(limit, known, now), verdict, fitsAtMs };
    }),
  );
}

/** A daily quota that the counters have not counted yet today. */
function judgedAt({ limit, cost }: AppliedLimit, used: number, now: number): Judgement {
  const resetMs = DAY_MS - (now % DAY_MS);
  const remaining = limit - used - cost;
  if (remaining >= 0) return { verdict: "fits", remaining, resetMs, retryMs: 0 };
  const retryMs = cost > limit ? -1 : resetMs;
  return { verdict: "exceeded", remaining: Math.max(0, limit - used), resetMs, retryMs };
}

function verdictOf(
  { shape, reportOnly }: AppliedLimit,
  { verdict, retryMs }: Judgement,
): JudgedLimit["verdict"] {
  if (verdict === "fits" || reportOnly === true) return "fits";
  return retryMs === -1 && shape !== "lease" ? "never" : "refuses";
}

function stateOf(limit: AppliedLimit, judgement: Judgement, now: number): LimitState {
  const { verdict, resetMs } = judgement;
  const resetAtMs = now + resetMs;
  if (limit.shape === "hold") return { used: verdict === "exceeded" ? 1 : 0, remaining: 0, resetAtMs };
  const remaining = judgement.remaining + (verdict === "fits" ? limit.cost : 0);
  const size = limit.shape === "bucket" ? limit.capacity : limit.limit;
  return { used: Math.max(0, size - remaining), remaining, resetAtMs };
}
