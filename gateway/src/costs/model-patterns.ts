/** `gpt-5*`: a star stands for any text, or none. */
export function isPattern(model: string): boolean {
  return model.includes("*");
}

const MOST_STARS = 3;

/** What is wrong with a pattern; undefined if it is sound. */
export function patternFault(model: string): string | undefined {
  return model.split("*").length - 1 > MOST_STARS
    ? `must have at most ${MOST_STARS} stars, each for any text`
    : undefined;
}

/** Takes the first place that each piece of text fits, so the time grows with the lengths only. */
export function matchesPattern(pattern: string, name: string): boolean {
  const [start = "", ...pieces] = pattern.split("*");
  const end = pieces.pop();
  if (end === undefined) return name === start;
  if (!name.startsWith(start)) return false;
  let at = start.length;
  for (const piece of pieces) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - end.length >= at && name.endsWith(end);
}

/** How much a pattern says: its text without the stars. */
export function literalLength(pattern: string): number {
  return pattern.replaceAll("*", "").length;
}
