import type { Clock } from "../lib/clock.ts";
import type { Counters, Dimension } from "./limit.ts";

/**
 * Daily quotas that PostgreSQL counted while the counters were away. The counters hear of them before they decide
 * again, or what was used in the meantime could be used a second time.
 */
export type Arrears = {
  /** `used` of today, after a call that the authority admitted; it ends in `resetMs`. */
  note(quota: Dimension, used: number, resetMs: number): void;
  /** Tells the counters about these quotas. Rejects with CountersUnavailable, and then nothing is forgotten. */
  settle(counters: Counters, dimensions: readonly Dimension[]): Promise<void>;
  /** Tells the counters the rest in the background; what they do not hear now they hear at the next call. */
  settleRest(counters: Counters): void;
};

export function arrears({ clock }: { readonly clock: Clock }): Arrears {
  const debts = new Map<string, Debt>();
  let isSettling = false;

  const settleOne = async (counters: Counters, debt: Debt): Promise<void> => {
    if (debt.endsAt > clock.now()) await counters.seed(debt.quota, debt.used);
    if (debts.get(debt.quota.key) === debt) debts.delete(debt.quota.key);
  };
  const settleAll = async (counters: Counters): Promise<void> => {
    for (const debt of debts.values()) await settleOne(counters, debt);
  };

  return {
    note(quota, used, resetMs) {
      const now = clock.now();
      const known = debts.get(quota.key);
      // Answers may come in another order than the counts.
      if (known !== undefined && known.endsAt > now && known.used > used) return;
      debts.set(quota.key, { quota, used, endsAt: now + resetMs });
    },
    async settle(counters, dimensions) {
      if (debts.size === 0) return;
      const own = dimensions.flatMap(({ key }) => debts.get(key) ?? []);
      await Promise.all(own.map((debt) => settleOne(counters, debt)));
    },
    settleRest(counters) {
      if (debts.size === 0 || isSettling) return;
      isSettling = true;
      settleAll(counters)
        .catch(() => undefined)
        .finally(() => {
          isSettling = false;
        });
    },
  };
}

type Debt = { readonly quota: Dimension; readonly used: number; readonly endsAt: number };
