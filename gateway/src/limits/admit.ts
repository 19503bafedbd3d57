import { type Clock, utcDay } from "../lib/clock.ts";
import { TollgateError } from "../lib/errors.ts";
import { type QuotaAuthority, takeDegraded } from "./degraded.ts";
import { type Counters, CountersUnavailable, type Dimension, type Taken, type Verdict } from "./limit.ts";
import type { QuotaMirror } from "./mirror.ts";
import type { ProvenQuotas } from "./proven-quotas.ts";
import { type Standing, standingsOf, tightestOf } from "./standing.ts";
import { type Part, type Ticket, ticketOf } from "./ticket.ts";

/** A dimension of a decision, and how its refusal is told. */
export type AppliedLimit = Dimension & {
  readonly scope: "user" | "key" | "address" | "device";
  readonly code: "RATE_LIMITED" | "QUOTA_EXCEEDED" | "COOLDOWN";
  readonly reason?: "daily_quota";
  /** What happens while the shared counters are away, if not what happens to all limits then. */
  readonly failMode?: FailMode;
  /** Not told to callers. */
  readonly isHidden?: true;
};

/** Go on with this instance's share, refuse every call, or leave the limit out. */
export type FailMode = "local" | "closed" | "open";

/** Where the caller stands with each limit that is told. */
export type Told = {
  readonly standings: readonly Standing[];
  readonly tightest: Standing | undefined;
  /** Decided without the shared counters. */
  readonly degraded: boolean;
  /** The limits that only report, and would have refused. */
  readonly wouldRefuse: readonly string[];
};

export type Admission =
  | ({
      readonly kind: "admitted";
      readonly ticket: Ticket;
      /** Where the caller stands once the ticket is given back. */
      readonly untaken: () => Told;
    } & Told)
  | ({
      readonly kind: "refused";
      /** The ids of all limits that refused, and the one that is reported. */
      readonly violated: readonly string[];
      readonly first: AppliedLimit;
      readonly retryAfterMs: number;
      readonly resetAtMs: number;
    } & Told)
  /** The cost is above this limit (its id): no wait helps. */
  | { readonly kind: "neverFits"; readonly limit: string }
  /** The cached identity is older than `epoch`: reload it and ask again. */
  | { readonly kind: "stale"; readonly epoch: number };

export type AdmitDeps = {
  readonly clock: Clock;
  readonly counters: Counters;
  /** Counters of this process, for the time when `counters` is away. */
  readonly fallback: Counters;
  /** Which part of a limit this instance may grant then, (0, 1]. */
  readonly localShare: number;
  /** What happens then to limits that do not say so themselves. */
  readonly failMode: FailMode;
  /** Used today, from PostgreSQL. */
  readonly seedOf: (quota: AppliedLimit) => Promise<number>;
  readonly quotas: QuotaAuthority<AppliedLimit>;
  readonly mirror: Pick<QuotaMirror, "note">;
  readonly proven: ProvenQuotas;
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
    deps.proven.forget();
    const mode = ({ failMode, shape }: AppliedLimit) =>
      shape === "epoch" ? "local" : (failMode ?? deps.failMode);
    if (limits.some((limit) => mode(limit) === "closed" && limit.reportOnly !== true)) {
      throw new TollgateError("STORE_UNAVAILABLE", undefined, { cause: error });
    }
    const decided = await takeDegraded(
      deps,
      limits.filter((limit) => mode(limit) === "local"),
    );
    return admissionOf(deps, decided.limits, decided.taken, decided.parts, true);
  }
}

async function admitByCounters(deps: AdmitDeps, limits: readonly AppliedLimit[]): Promise<Admission> {
  const { counters, proven, mirror } = deps;
  const unproven = proven.unproven(limits);
  if (unproven.length > 0) {
    const since = proven.generation();
    await Promise.all(unproven.map((quota) => seed(deps, quota)));
    proven.prove(unproven, since);
  }
  let taken = await counters.take(limits, true);
  if (has(taken, "unseeded") && !has(taken, "stale")) {
    const unseeded = limits.filter((_, i) => taken.judgements[i]!.verdict === "unseeded");
    await Promise.all(unseeded.map((quota) => seed(deps, quota)));
    taken = await counters.take(limits, true);
  }
  const stale = taken.judgements.find(({ verdict }) => verdict === "stale");
  if (stale !== undefined) return { kind: "stale", epoch: stale.remaining };
  if (has(taken, "unseeded")) throw new CountersUnavailable("The counters lost what they were just given");
  limits.forEach((limit, i) => {
    const { verdict, remaining, resetMs } = taken.judgements[i]!;
    if (limit.shape === "epoch" && remaining < limit.limit) {
      // A store that lost its epoch. If this fails, the next call repairs it.
      counters.raiseEpoch(limit.key, limit.limit).catch(() => undefined);
    }
    if (limit.shape === "dailyQuota" && taken.allowed && verdict === "fits") {
      mirror.note({
        limit,
        day: utcDay(taken.now + resetMs - limit.windowMs),
        used: limit.limit - remaining,
      });
    }
  });
  return admissionOf(deps, limits, taken, [{ counters, limits, taken }], false);
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

/** A place among the calls under way may come free at any moment: whoever found none asks again this soon. */
const LEASE_RETRY_MS = 1_000;

function admissionOf(
  { clock }: AdmitDeps,
  limits: readonly AppliedLimit[],
  taken: Taken,
  parts: readonly Part[],
  degraded: boolean,
): Admission {
  const exceeded = has(taken, "exceeded")
    ? limits
        .map((limit, i) => ({ limit, judgement: taken.judgements[i]! }))
        .filter(({ judgement }) => judgement.verdict === "exceeded")
    : [];
  const wouldRefuse = exceeded.filter(({ limit }) => limit.reportOnly === true).map(({ limit }) => limit.id);
  const tell = (by: Taken): Told => {
    const standings = standingsOf(limits, by);
    return { standings, tightest: tightestOf(standings), degraded, wouldRefuse };
  };
  const told = tell(taken);
  if (taken.allowed) {
    const untaken = (): Told => tell({ ...taken, allowed: false });
    return { kind: "admitted", ticket: ticketOf({ clock }, parts), untaken, ...told };
  }

  const violated = exceeded.filter(({ limit }) => limit.reportOnly !== true);
  const hopeless = violated.find(
    ({ limit, judgement }) => judgement.retryMs === -1 && limit.shape !== "lease",
  );
  if (hopeless !== undefined) return { kind: "neverFits", limit: hopeless.limit.id };
  const waits = violated.map(({ limit, judgement }) =>
    limit.shape === "lease" ? LEASE_RETRY_MS : judgement.retryMs,
  );
  const retryAfterMs = Math.max(...waits);
  return {
    kind: "refused",
    violated: violated.map(({ limit }) => limit.id),
    first: violated[0]!.limit,
    retryAfterMs,
    resetAtMs: taken.now + retryAfterMs,
    ...told,
  };
}
