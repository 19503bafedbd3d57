import type { Pico } from "../lib/money.ts";
import { type Rates, ratesAt } from "./rates.ts";
import type { Usage } from "./usage.ts";

/**
 * What a usage costs, exactly. Every input token is charged once, at the rate of its kind; cached input is never
 * charged a second time as plain input (C2). A whole input above a tier's threshold moves the whole call to that
 * tier's rates, its output too. Counts are integers of at least 0; if the cache kinds add up to more than the whole
 * input, each is still charged and no plain input is left.
 */
export function costOf(usage: Usage, list: Rates): Pico {
  const cached = usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const plain = Math.max(0, usage.input - cached);
  const rates = ratesAt(list, plain + cached);
  return (
    BigInt(plain) * rates.input +
    BigInt(usage.cacheRead) * rates.cachedInput +
    BigInt(usage.cacheWrite5m) * rates.cacheWrite5m +
    BigInt(usage.cacheWrite1h) * rates.cacheWrite1h +
    BigInt(usage.output) * rates.output
  );
}
