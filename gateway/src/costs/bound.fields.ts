import type { FieldFault } from "../lib/errors.ts";
import type { Bound, BoundOrFaults } from "./bound.ts";
import { askedServiceTier } from "./served-tiers.ts";

/** What the readers of bodies share: any field may be missing or of any type, and JSON null stands for "not set". */
export type Body = Readonly<Record<string, unknown>>;

const MAX_UNBOUNDED = 10;

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

/** Notes a part whose cost the body does not tell (B6); a few are enough to say why. */
export function noteUnbounded(unbounded: FieldFault[], path: string): void {
  if (unbounded.length === MAX_UNBOUNDED) return;
  unbounded.push({
    path,
    message: "has a cost that nobody can bound in advance, so it cannot run under a budget",
  });
}

/** What a body has been found to say, and the service tier that it asks for. */
export function boundWith(body: Body, found: Bound): BoundOrFaults {
  const serviceTier = askedServiceTier(body);
  const bound = { ...found, textBytes: Math.max(0, found.textBytes) };
  return { valid: true, bound: serviceTier === undefined ? bound : { ...bound, serviceTier } };
}

export const MAX_OUTPUT_TOKENS = 1_000_000;
