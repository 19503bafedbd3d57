/** The fields of chat answers and deltas that hold text a model wrote. */
export const TEXT_FIELDS = [
  "content",
  "reasoning",
  "reasoning_content",
  "refusal",
  "arguments",
  "text",
  "thinking",
] as const;

const names: ReadonlySet<string> = new Set(TEXT_FIELDS);

/** Deeper than any answer nests its text; a hostile answer nests without end. */
const MAX_DEPTH = 12;

/** UTF-8 bytes of everything in these fields. Text that is given under two names counts twice. */
export function textBytesOf(value: unknown, depth = 0): number {
  if (typeof value !== "object" || value === null || depth === MAX_DEPTH) return 0;
  let sum = 0;
  for (const [name, inner] of Object.entries(value)) {
    if (typeof inner !== "string") sum += textBytesOf(inner, depth + 1);
    else if (names.has(name)) sum += Buffer.byteLength(inner);
  }
  return sum;
}
