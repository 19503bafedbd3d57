import {
  giveBackKeyQuota,
  keyUsageOf,
  mirrorKeyUsage,
  resetKeyUsage,
  takeKeyQuota,
} from "../identity/key-quota.ts";
import { type Clock, DAY_MS, utcDay } from "../lib/clock.ts";
import type { AppliedLimit } from "../limits/admit.ts";
import type { QuotaAuthority } from "../limits/degraded.ts";
import type { Judgement, Taken } from "../limits/limit.ts";
import type { QuotaCount } from "../limits/mirror.ts";
import { giveBackUsage, mirrorUsage, resetUsage, takeUsage, usageOf } from "../limits/usage-counters.ts";
import type { Db, Tx } from "../store/tables.ts";

/**
 * Daily quotas in PostgreSQL, their authority: a key's count stands with the key, everybody else's in
 * `usage_counters`.
 */
export type Quotas = QuotaAuthority<AppliedLimit> & {
  usedToday(quota: AppliedLimit): Promise<number>;
  mirror(counts: readonly QuotaCount[]): Promise<void>;
  /** Nothing is used of today. The counters have to forget it as well, once the transaction has ended. */
  reset(tx: Tx, quota: AppliedLimit): Promise<void>;
};

/** Longer than instances keep counts to be mirrored: what they still have is from before the reset. */
const RESET_SETTLES_MS = 2_000;

export function quotas({ db, clock }: { readonly db: Db; readonly clock: Clock }): Quotas {
  return {
    usedToday: (quota) => {
      const day = utcDay(clock.now());
      return isOfKey(quota) ? keyUsageOf(db, keyIdOf(quota), day) : usageOf(db, subjectOf(quota), day);
    },
    async take(wanted) {
      const now = clock.now();
      const day = utcDay(now);
      const resetMs = DAY_MS - (now % DAY_MS);
      let judgements: readonly Judgement[] = [];
      const refusal = new Error("a quota does not hold this call");
      await db
        .transaction()
        .execute(async (tx) => {
          const taken = await inOrder(wanted, (quota) => takeOne(tx, quota, day));
          judgements = wanted.map((quota, index) => judged(quota, taken[index], resetMs));
          if (taken.includes(undefined)) throw refusal;
        })
        .catch((error: unknown) => {
          if (error !== refusal) throw error;
        });
      const allowed = judgements.every(({ verdict }) => verdict === "fits");
      return { allowed, now, judgements } satisfies Taken;
    },
    async giveBack(taken) {
      const day = utcDay(clock.now());
      for (const quota of taken) {
        if (isOfKey(quota)) await giveBackKeyQuota(db, keyIdOf(quota), day, quota.cost);
        else await giveBackUsage(db, subjectOf(quota), day, quota.cost);
      }
    },
    async mirror(counts) {
      const now = new Date(clock.now());
      const ofKeys = counts.filter(({ limit }) => isOfKey(limit));
      const ofOthers = counts.filter(({ limit }) => !isOfKey(limit));
      if (ofKeys.length > 0) {
        await mirrorKeyUsage(
          db,
          ofKeys.map(({ limit, day, used }) => ({ id: keyIdOf(limit), day, used })),
          now,
        );
      }
      if (ofOthers.length > 0) {
        await mirrorUsage(
          db,
          ofOthers.map(({ limit, day, used }) => ({ ...subjectOf(limit), day, used })),
          now,
        );
      }
    },
    async reset(tx, quota) {
      const now = clock.now();
      const mirroredFrom = new Date(now + RESET_SETTLES_MS);
      if (isOfKey(quota)) await resetKeyUsage(tx, keyIdOf(quota), utcDay(now), mirroredFrom);
      else await resetUsage(tx, subjectOf(quota), utcDay(now), mirroredFrom);
    },
  };
}

/** One after another and always in the order of their keys: two calls never wait for each other. */
async function inOrder<T>(
  wanted: readonly AppliedLimit[],
  take: (quota: AppliedLimit) => Promise<T>,
): Promise<readonly T[]> {
  const results = new Map<AppliedLimit, T>();
  for (const quota of wanted.toSorted((a, b) => (a.key < b.key ? -1 : 1)))
    results.set(quota, await take(quota));
  return wanted.map((quota) => results.get(quota)!);
}

function takeOne(db: Db, quota: AppliedLimit, day: string): Promise<number | undefined> {
  return isOfKey(quota)
    ? takeKeyQuota(db, keyIdOf(quota), day, quota.cost)
    : takeUsage(db, subjectOf(quota), day, quota);
}

function judged({ limit, cost }: AppliedLimit, used: number | undefined, resetMs: number): Judgement {
  if (used !== undefined)
    return { verdict: "fits", remaining: Math.max(0, limit - used), resetMs, retryMs: 0 };
  return { verdict: "exceeded", remaining: 0, resetMs, retryMs: cost > limit ? -1 : resetMs };
}

/** The quota that stands with the key itself (K9); its plan's quota is counted apart. */
function isOfKey({ id }: AppliedLimit): boolean {
  return id === "key-day";
}

/** The text behind `<limit id>:` in a limit's key. */
function subjectText({ id, key }: AppliedLimit): string {
  return key.slice(id.length + 1);
}

function keyIdOf(quota: AppliedLimit): number {
  return Number(subjectText(quota));
}

function subjectOf(quota: AppliedLimit): { kind: string; id: string } {
  return { kind: quota.id, id: subjectText(quota) };
}
