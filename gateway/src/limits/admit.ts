import { utcDay } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Arrears } from "./arrears.ts";
import { type Decided, type QuotaAuthority, takeDegraded } from "./degraded.ts";
import { type Counters, CountersUnavailable, type Dimension, type Taken, type Verdict } from "./limit.ts";
import type { QuotaMirror } from "./mirror.ts";
import { type Standing, standingsOf, tightestOf } from "./standing.ts";

/** A dimension of a decision, and how its refusal is told. */
export type AppliedLimit = Dimension & {
  readonly scope: "user" | "key" | "address";
  readonly code: "RATE_LIMITED" | "QUOTA_EXCEEDED";
  readonly reason?: "daily_quota";
};

export type Admission =
  | {
      readonly kind: "admitted";
      readonly standings: readonly Standing[];
      readonly tightest: Standing | undefined;
      /** Decided without the shared counters. */
      readonly degraded: boolean;
    }
  | {
      readonly kind: "refused";
      /** The ids of all limits that refused, and the one that is reported. */
      readonly violated: readonly string[];
      readonly first: AppliedLimit;
      readonly retryAfterMs: number;
      readonly resetAtMs: number;
      readonly standings: readonly Standing[];
      readonly tightest: Standing | undefined;
      readonly degraded: boolean;
    }
  /** The cost is above this limit (its id): no wait helps. */
  | { readonly kind: "neverFits"; readonly limit: string }
  /** The cached identity is older than `epoch`: reload it and ask again. */
  | { readonly kind: "stale"; readonly epoch: number };

export type AdmitDeps = {
  readonly counters: Counters;
  /** Counters of this process, for the time when `counters` is away. */
  readonly fallback: Counters;
  /** Which part of a limit this instance may grant then, (0, 1]. */
  readonly localShare: number;
  /** What happens then: go on with the local share, refuse every call, or admit every call. */
  readonly failMode: "local" | "closed" | "open";
  /** Used today, from PostgreSQL. */
  readonly seedOf: (quota: AppliedLimit) => Promise<number>;
  readonly quotas: QuotaAuthority<AppliedLimit>;
  readonly mirror: Pick<QuotaMirror, "note">;
  readonly arrears: Arrears;
};

/**
 * Takes every limit of a call or none; `limits` stand in the order in which a refusal is reported. Throws
 * STORE_UNAVAILABLE when what must decide does not answer.
 */
export async function admit(deps: AdmitDeps, limits: readonly AppliedLimit[]): Promise<Admission> {
  try {
    return await admitByCounters(deps, limits);
  } catch (error) {
    if (!(error instanceof CountersUnavailable)) throw error;
    switch (deps.failMode) {
      case "closed":
        throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
      case "open":
        return { kind: "admitted", standings: [], tightest: undefined, degraded: true };
      case "local":
        return admissionOf(await takeDegraded(deps, limits), true);
    }
  }
}

async function admitByCounters(deps: AdmitDeps, limits: readonly AppliedLimit[]): Promise<Admission> {
  const { counters, arrears, mirror } = deps;
  await arrears.settle(counters, limits);
  let taken = await counters.take(limits, true);
  arrears.settleRest(counters);
  if (has(taken, "unseeded") && !has(taken, "stale")) {
    const unseeded = limits.filter((_, i) => taken.judgements[i]!.verdict === "unseeded");
    await Promise.all(unseeded.map((quota) => seed(deps, quota)));
    taken = await counters.take(limits, true);
  }
  const stale = taken.judgements.find(({ verdict }) => verdict === "stale");
  if (stale !== undefined) return { kind: "stale", epoch: stale.remaining };
  if (has(taken, "unseeded")) throw new CountersUnavailable("The counters lost what they were just given");
  for (const [i, limit] of limits.entries()) {
    const { remaining, resetMs } = taken.judgements[i]!;
    if (limit.shape === "epoch" && remaining < limit.limit) {
      // A store that lost its epoch. If this fails, the next call repairs it.
      counters.raiseEpoch(limit.key, limit.limit).catch(() => undefined);
    }
    if (limit.shape === "dailyQuota" && taken.allowed) {
      mirror.note({
        limit,
        day: utcDay(taken.now + resetMs - limit.windowMs),
        used: limit.limit - remaining,
      });
    }
  }
  return admissionOf({ limits, taken }, false);
}

function has(taken: Taken, verdict: Verdict): boolean {
  return taken.judgements.some((judgement) => judgement.verdict === verdict);
}

async function seed({ counters, seedOf }: AdmitDeps, quota: AppliedLimit): Promise<void> {
  const used = await seedOf(quota).catch((cause: unknown) => {
    throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause });
  });
  await counters.seed(quota, used);
}

function admissionOf({ limits, taken }: Decided<AppliedLimit>, degraded: boolean): Admission {
  const standings = standingsOf(limits, taken);
  const tightest = tightestOf(standings);
  if (taken.allowed) return { kind: "admitted", standings, tightest, degraded };

  const judged = limits.map((limit, i) => ({ limit, judgement: taken.judgements[i]! }));
  const violated = judged.filter(({ judgement }) => judgement.verdict === "exceeded");
  const hopeless = violated.find(({ judgement }) => judgement.retryMs === -1);
  if (hopeless !== undefined) return { kind: "neverFits", limit: hopeless.limit.id };
  const retryAfterMs = Math.max(...violated.map(({ judgement }) => judgement.retryMs));
  return {
    kind: "refused",
    violated: violated.map(({ limit }) => limit.id),
    first: violated[0]!.limit,
    retryAfterMs,
    resetAtMs: taken.now + retryAfterMs,
    standings,
    tightest,
    degraded,
  };
}
