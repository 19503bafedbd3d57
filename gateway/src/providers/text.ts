/** Deeper than any answer nests its text; a hostile answer nests without end. */
const MAX_DEPTH = 12;

/** UTF-8 bytes of all strings in fields of these names. Text that is given under two names counts twice. */
export function textBytesOf(value: unknown, names: ReadonlySet<string>, depth = 0): number {
  if (typeof value !== "object" || value === null || depth === MAX_DEPTH) return 0;
  let sum = 0;
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== "string") sum += textBytesOf(inner, names, depth + 1);
    else if (names.has(name)) sum += Buffer.byteLength(inner);
  }
  return sum;
}
