/** A member of an RFC 9651 list of strings, with its parameters in their order. */
export type Member = { readonly value: string; readonly parameters: ReadonlyMap<string, number | string> };

const STRING = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const INTEGER = /-?\d{1,15}(?![\d.])/y;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const COMMA = /[ \t]*,[ \t]*/y;
const SEMICOLON = /; */y;
const EQUALS = /=/y;

/**
 * Reads a list whose members are strings and whose parameters are integers or strings, as strictly as RFC 9651 (4.2)
 * says. Throws for everything else: other types, a trailing comma, a parameter given twice.
 */
export function structuredList(field: string): readonly Member[] {
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(field);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  const must = (pattern: RegExp): RegExpExecArray => {
    const found = match(pattern);
    if (found === null) throw new Error(`no ${pattern} at ${at} of ${JSON.stringify(field)}`);
    return found;
  };
  const text = (found: RegExpExecArray): string => found[1]!.replace(/\\(["\\])/g, "$1");

  const members: Member[] = [];
  do {
    const value = text(must(STRING));
    const parameters = new Map<string, number | string>();
    while (match(SEMICOLON) !== null) {
      const [key] = must(KEY);
      if (parameters.has(key)) throw new Error(`${key} is given twice in ${JSON.stringify(field)}`);
      must(EQUALS);
      const string = match(STRING);
      parameters.set(key, string === null ? Number(must(INTEGER)[0]) : text(string));
    }
    members.push({ value, parameters });
  } while (match(COMMA) !== null);
  if (at < field.length) throw new Error(`${JSON.stringify(field)} goes on after ${at}`);
  return members;
}
