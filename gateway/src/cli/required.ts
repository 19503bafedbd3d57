import { z } from "zod";

/** The fields of an input that must be there. */
export function requiredFields(input: z.ZodType): ReadonlySet<string> {
  const { required = [] } = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  return new Set(required);
}

/** The field that commander fills from a flag: `dailyQuota` of `--daily-quota <calls>`. */
export function fieldOf(flags: string): string {
  const [, name = ""] = /--(?:no-)?([a-z-]+)/.exec(flags) ?? [];
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
