import type { FieldFault } from "../lib/errors.ts";

/** What the readers of bodies share: any field may be missing or of any type, and JSON null stands for "not set". */
export type Body = Readonly<Record<string, unknown>>;

export const MAX_OUTPUT_TOKENS = 1_000_000;

export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null ? (value as Body)[field] : undefined;
}

/** The `type` of a part; empty if it has none. */
export function typeOf(value: unknown): string {
  const type = fieldOf(value, "type");
  return typeof type === "string" ? type : "";
}

/** The counts that are given in these fields; what is no count of 1 to `most` is a fault. */
export function countsIn(
  body: Body,
  fields: readonly string[],
  most: number,
  faults: FieldFault[],
): readonly number[] {
  const found: number[] = [];
  for (const field of fields) {
    const value = body[field];
    if (!isGiven(value)) continue;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) {
      found.push(value as number);
    } else {
      faults.push({ path: field, message: `must be an integer from 1 to ${most}` });
    }
  }
  return found;
}
