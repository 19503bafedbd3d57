/** Which names a row of the public catalogue is for, in the catalogue's own words. */
export type MatchRule =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly or: readonly MatchRule[] }
  | { readonly and: readonly MatchRule[] };

/** `name` is lower-case. */
export function matches(rule: MatchRule, name: string): boolean {
  if ("or" in rule) return rule.or.some((each) => matches(each, name));
  if ("and" in rule) return rule.and.every((each) => matches(each, name));
  if ("equals" in rule) return name === rule.equals.toLowerCase();
  if ("starts_with" in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ("ends_with" in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ("contains" in rule) return name.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(name);
}

/** The names that a rule spells out. */
export function spelledOut(rule: MatchRule): readonly string[] {
  if ("or" in rule) return rule.or.flatMap(spelledOut);
  return "equals" in rule ? [rule.equals] : [];
}
