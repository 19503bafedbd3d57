import { picoFromUsd, usdText } from "../../lib/money.ts";

/** The exact sum of amounts in USD, each as decimal text. */
export function sumUsd(amounts: readonly string[]): string {
  return usdText(amounts.reduce((sum, amount) => sum + picoFromUsd(amount), 0n));
}

/** How often each word came, in the order in which they came first: `4 × 200, 16 × 402`. */
export function tallied(words: readonly (string | number)[]): string {
  const counts = new Map<string | number, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} × ${word}`).join(", ");
}
