/** The smallest whole wait of at least 1 ms that fits, by doubling and halving: no rounding, and it always ends. */
export function firstFit(fits: (wait: number) => boolean): number {
  let step = 1;
  while (!fits(step)) step *= 2;
  let tooShort = 0;
  for (; step >= 1; step /= 2) if (!fits(tooShort + step)) tooShort += step;
  return tooShort + 1;
}
