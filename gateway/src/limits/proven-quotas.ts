import type { Dimension } from "./limit.ts";

const MAX_KEYS = 100_000;

/**
 * Daily quotas whose count in the counters this process has compared with PostgreSQL since the counters were last out
 * of reach. Only those are decided by the counters alone: whatever was counted elsewhere in the meantime, by this
 * process or one that has died, is told to them first.
 */
export type ProvenQuotas = {
  /** Those of the limits that have yet to be compared. */
  unproven<Limit extends Dimension>(limits: readonly Limit[]): readonly Limit[];
  /** `since`: `generation` when the comparison began; one that an outage overtook proves nothing. */
  prove(quotas: readonly Dimension[], since: number): void;
  generation(): number;
  /** The counters were away, or may be others: nothing is proven any more. */
  forget(): void;
};

export function provenQuotas(): ProvenQuotas {
  const proven = new Set<string>();
  let generation = 0;
  return {
    unproven: (limits) => limits.filter(({ shape, key }) => shape === "dailyQuota" && !proven.has(key)),
    prove(quotas, since) {
      if (since !== generation) return;
      if (proven.size + quotas.length > MAX_KEYS) proven.clear();
      for (const { key } of quotas) proven.add(key);
    },
    generation: () => generation,
    forget() {
      generation += 1;
      proven.clear();
    },
  };
}
