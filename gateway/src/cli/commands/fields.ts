import { z } from "zod";

/** The number of a row as typed: a project's, a job's. */
export const rowNumber = z.coerce.number().int().min(1).max(999_999_999_999_999);

/** `a, b` as a list. The empty text is a list of one empty item, which is none of anything. */
export function listOf<T>(items: z.ZodType<T, string[]>) {
  return z
    .string()
    .transform((text) => text.split(",").map((item) => item.trim()))
    .pipe(items);
}

/** `none` takes a value back: null. */
export function orNone<T extends z.ZodType>(field: T) {
  return z.union([z.literal("none").transform(() => null), field]);
}

/** Reads a flag that may be given several times. */
export function collected(text: string, before: unknown): readonly string[] {
  return [...((before as readonly string[] | undefined) ?? []), text];
}

/** One thing, a line for each of its fields. */
export function shownFields(json: Readonly<Record<string, unknown>>): { readonly text: string } {
  const lines = Object.entries(json).map(([name, value]) => {
    return `${name}: ${Array.isArray(value) ? value.join(", ") : (value ?? "-")}`;
  });
  return { text: lines.join("\n") };
}

/** `1 call`, `2 calls`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
