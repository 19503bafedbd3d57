import type { Measured } from "./scale.table.ts";
import type { Work } from "./scale.work.ts";

/** Statements are planned anew the first times they run. */
const WARM_UPS = 2;

export type RoundSetting = {
  readonly rounds: number;
  readonly seconds: number;
  readonly report: (progress: string) => void;
};

/**
 * Does the same on every ledger in turns, so that a slow moment of the machine hits all of them. @param ledgers the same
 * kinds of work in the same order, smallest ledger first.
 */
export async function measureAll(
  ledgers: readonly (readonly Work[])[],
  { rounds, seconds, report }: RoundSetting,
): Promise<readonly Measured[]> {
  const [first = []] = ledgers;
  const all: Measured[] = [];
  for (const [index, { name, better, growsWith }] of first.entries()) {
    report(name);
    const alike = ledgers.map((works) => works[index]!);
    const values: number[][] = alike.map(() => []);
    for (let round = -WARM_UPS; round < rounds; round++) {
      for (const [size, work] of alike.entries()) {
        const value = await work.measure(seconds * 1_000);
        if (round >= 0) values[size]!.push(value);
      }
    }
    all.push({ name, better, growsWith, rounds: values });
  }
  return all;
}
