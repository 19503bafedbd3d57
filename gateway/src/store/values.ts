/** How a column's text becomes a value, by type OID, alike on both drivers. Types that are not here read alike anyway. */
export const valueParsers: Readonly<Record<number, (text: string) => unknown>> = {
  17: bytes, // bytea
  20: safeInteger, // int8
  1016: safeIntegers, // int8[]
  1082: verbatim, // date
  1700: verbatim, // numeric
};

function verbatim(text: string): string {
  return text;
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.slice(2), "hex"));
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`${text} is not an integer that a number holds exactly`);
  return value;
}

function safeIntegers(text: string): number[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(safeInteger);
}
