/**
 * Money is an integer number of pico-USD (10⁻¹² USD). USD per million tokens × 10⁶ is an integer number of
 * pico-USD per token for every published price, so costs are exact and nothing is ever rounded in storage.
 */
export type Pico = bigint;

export const PICO_PER_USD = 1_000_000_000_000n;

/**
 * A decimal text (`"0.20"`, `"1e-7"`) times 10^`shift`, exactly, as an integer. More decimals than fit are
 * rounded half up, once, here. Throws a RangeError on anything that is not a finite decimal number.
 */
export function scaled(text: string, shift: number): bigint {
  const match = /^([+-]?)(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text.trim());
  if (match === null) throw new RangeError(`not a decimal number: ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, whole, decimals = "", exponent = "0"] = match;
  const digits = BigInt(whole + decimals);
  const power = shift + Number(exponent) - decimals.length;
  const magnitude = power >= 0 ? digits * 10n ** BigInt(power) : halfUp(digits, 10n ** BigInt(-power));
  return sign === "-" ? -magnitude : magnitude;
}

/** The nearest integer to a quotient; a half goes up. Both are at least 0. */
export function halfUp(value: bigint, divisor: bigint): bigint {
  return (value * 2n + divisor) / (divisor * 2n);
}

/** USD as decimal text → pico-USD. */
export function picoFromUsd(text: string): Pico {
  return scaled(text, 12);
}

/** USD per million tokens as decimal text → pico-USD per token. */
export function picoPerTokenFromUsdPerMillion(text: string): Pico {
  return scaled(text, 6);
}

/** Exact decimal USD without trailing zeros: the `_usd` twins in JSON. */
export function usdText(pico: Pico): string {
  const sign = pico < 0n ? "-" : "";
  const magnitude = pico < 0n ? -pico : pico;
  const decimals = (magnitude % PICO_PER_USD).toString().padStart(12, "0").replace(/0+$/, "");
  return `${sign}${magnitude / PICO_PER_USD}${decimals === "" ? "" : `.${decimals}`}`;
}

/** Pico-USD per token → exact decimal USD per million tokens. */
export function usdPerMillionText(pico: Pico): string {
  return usdText(pico * 1_000_000n);
}

/** USD as a JSON number: the nearest double to the exact value. For display; never computed with. */
export function usdNumber(pico: Pico): number {
  return Number(usdText(pico));
}
