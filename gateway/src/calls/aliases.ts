import { type Chance, fraction } from "../lib/ids.ts";

/** A model name of the operator's own. */
export type Alias = {
  readonly targets: readonly AliasTarget[];
  /** How often a target is asked again after a failure that may pass, before the next one is. */
  readonly retries: number;
};

export type AliasTarget = {
  /** `provider/model` */
  readonly model: string;
  /** The lower the sooner. Targets of the same order share the calls by weight. */
  readonly order: number;
  readonly weight: number;
  /** Until the first byte of its answer; undefined: the provider's own time-out. */
  readonly timeoutMs: number | undefined;
};

/**
 * The order in which one call asks the targets: by `order`; among equals each is drawn in proportion to its weight, and
 * then from the rest. A weight of 0 is drawn last of all its equals.
 */
export function drawn(targets: readonly AliasTarget[], chance: Chance): readonly AliasTarget[] {
  const groups = Map.groupBy(targets, ({ order }) => order);
  return [...groups.keys()].sort((a, b) => a - b).flatMap((order) => byWeight(groups.get(order)!, chance));
}

function byWeight(targets: readonly AliasTarget[], chance: Chance): readonly AliasTarget[] {
  const left = [...targets];
  const order: AliasTarget[] = [];
  while (left.length > 1) {
    const [chosen] = left.splice(draw(left, chance), 1);
    order.push(chosen!);
  }
  return [...order, ...left];
}

function draw(targets: readonly AliasTarget[], chance: Chance): number {
  let rest = fraction(chance) * targets.reduce((sum, { weight }) => sum + weight, 0);
  const index = targets.findIndex(({ weight }) => {
    rest -= weight;
    return rest < 0;
  });
  return Math.max(0, index);
}
